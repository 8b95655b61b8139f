import type { CompiledQuery } from 'kysely'
import type { PlacesOptions } from './places.ts'

export interface LongReadsOptions extends PlacesOptions {
  /** How long one may run, milliseconds. */
  limitMs: number
}

/** Reads that are limited in time. */
export interface LongReads {
  /**
   * One that may look at every row: limited in number too, so that it holds up nothing else. It sees every write that was acknowledged before.
   * @throws ReadTooLong, 503 too many
   */
  run<Row>(query: CompiledQuery<Row>): Promise<Row[]>
  /**
   * One that an index serves, at once. SQLite runs it to its end: nobody can hold it up there.
   * @throws ReadTooLong
   */
  quick<Row>(query: CompiledQuery<Row>): Promise<Row[]>
  close(): Promise<void>
}

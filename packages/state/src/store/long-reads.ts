import type { CompiledQuery } from 'kysely'
import type { PlacesOptions } from './places.ts'

export interface LongReadsOptions extends PlacesOptions {
  /** How long one may run, milliseconds. */
  limitMs: number
}

/** Reads that may look at every row: limited in time and in number, so that they hold up nothing else. */
export interface LongReads {
  /**
   * It sees every write that was acknowledged before.
   * @throws ReadTooLong, 503 too many
   */
  run<Row>(query: CompiledQuery<Row>): Promise<Row[]>
  close(): Promise<void>
}

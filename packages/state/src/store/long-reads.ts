import type { CompiledQuery } from 'kysely'

export interface LongReadsOptions {
  /** How long one may run, milliseconds. */
  limitMs: number
  /** How many run at once. */
  places: number
  /** How many wait for a place. */
  waitingLimit: number
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

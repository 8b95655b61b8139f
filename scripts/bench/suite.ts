/** What every suite of measurements takes and gives. */
export interface BenchOptions {
  /** Short rounds and small backlogs: shows that it runs, not how fast. */
  quick: boolean
  rounds: number
  durationMs: number
  /** Only what has this in its name. */
  only: string | undefined
  progress: (line: string) => void
}

/** Name of a row → its figures, as `console.table` prints them. */
export type Table = Record<string, Record<string, string | number>>

export interface SuiteResult {
  table: Table
  /** The same by what was measured, where one table would have too many columns. */
  tables?: Record<string, Table>
  /** Everything that was measured, for the JSON file. */
  samples: unknown
}

/** @returns undefined where `only` leaves nothing to measure */
export type Suite = (options: BenchOptions) => Promise<SuiteResult | undefined>

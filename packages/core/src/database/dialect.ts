import type { Expression, RawBuilder } from 'kysely'

export type Dialect = 'sqlite' | 'postgres'

/**
 * Where the two dialects need different SQL. Everything else is one text for both.
 *
 * One value looks the same in both: 64-bit integers, counts and sums are read as numbers (exact up to 2^53: we store
 * epoch milliseconds and counters), flags are integer columns (booleans are bound as 0 and 1), JSON columns are read
 * as text ({@link Stored} tells Kysely so).
 */
export interface DialectSql {
  readonly dialect: Dialect
  /** Epoch milliseconds by the database's clock at the moment the statement runs, shifted by the test's offset. */
  readonly now: () => RawBuilder<number>
  /** A value for a JSON column. */
  readonly json: (value: unknown) => RawBuilder<string>
  /**
   * The value at a path of a JSON column as text; null when absent or JSON null.
   * Booleans are `true` and `false`, numbers as they were written, objects and arrays their JSON.
   */
  readonly jsonText: (
    column: Expression<unknown>,
    path: readonly string[],
  ) => RawBuilder<string | null>
  /** The number at a path of a JSON column; null when there is none or it is not a number. */
  readonly jsonNumber: (
    column: Expression<unknown>,
    path: readonly string[],
  ) => RawBuilder<number | null>
  /**
   * Values as a table, in one parameter: `select … from ${database.rows(json, { id: 'text', at: 'bigint' })} as given`.
   * The text of the query is the same for any number of them.
   * @param json a JSON array of objects with the columns as members
   */
  readonly rows: (
    json: string | RawBuilder<string>,
    columns: Readonly<Record<string, 'text' | 'bigint'>>,
  ) => RawBuilder<unknown>
  /** Column type of JSON: `jsonb` or `text`. */
  readonly jsonType: RawBuilder<unknown>
  /** Column type of a growing integer primary key. Values are assigned before commit: never follow a table by it. */
  readonly serialType: RawBuilder<unknown>
}

import type { ColumnType, Compilable, Kysely, QueryResult, RawBuilder, Transaction } from 'kysely'
import type { FastifyBaseLogger } from 'fastify'
import type { DialectSql } from './dialect.ts'
import type { Signals } from './signals.ts'
import type { SlotOf } from './statement.ts'

/** What the database and the queue need of a logger. */
export type DatabaseLog = Pick<FastifyBaseLogger, 'debug' | 'info' | 'warn' | 'error'>

/** A JSON column: written with `database.json(value)` (or JSON text), read as JSON text. */
export type JsonColumn = ColumnType<
  string,
  string | RawBuilder<string>,
  string | RawBuilder<string>
>

/** An integer column that may be written with an expression such as `database.now()`. */
export type NumberColumn = ColumnType<
  number,
  number | RawBuilder<number>,
  number | RawBuilder<number>
>

/** One step of the schema. Names are ordered by their text and never run twice: `2026-01-15-states`. */
export interface Migration {
  up(db: Kysely<unknown>, dialect: DialectSql): Promise<void>
}

/** Any transaction made by `write`, whatever its tables. */
export interface AnyTransaction {
  readonly isTransaction: true
}

export interface DatabaseStats {
  /** Transactions committed by `write`. On SQLite several writes share one. */
  commits: number
  /** Writes acknowledged. */
  writes: number
  /** Writes that wait for their turn (SQLite) or for a connection (PostgreSQL). */
  waiting: number
}

/** What does not depend on the tables: for plugins of core that bring their own. */
export interface AnyDatabase extends DialectSql {
  /**
   * The only way to write. Resolves after the commit; rejects when `work` did, and then nothing of it is stored.
   *
   * `work` does SQL through `trx` and nothing else: it never awaits I/O, timers or another `write` (but {@link breathe},
   * where it is long), and it may run more than once (PostgreSQL: serialization failure, deadlock), so that it has no effects but SQL.
   * @throws DatabaseUnavailable (503). When the connection broke during the commit itself the write may be stored all the same.
   */
  write<T>(work: (trx: AnyTransaction) => Promise<T>, options?: WriteOptions): Promise<T>
  /**
   * Lets the process do something else in the middle of a long write. On SQLite, which would keep the loop until its end,
   * for one turn: others read what was there before it, and their writes wait. PostgreSQL works elsewhere anyway.
   */
  breathe(): Promise<void>
  /** Runs `callback` after the transaction really committed; never when it rolled back. An error of it is logged. */
  afterCommit(trx: AnyTransaction, callback: () => void): void
  /** The same database seen with other tables. */
  as<Tables>(): {
    kysely: Kysely<Tables>
    transaction(trx: AnyTransaction): Transaction<Tables>
  }
  /**
   * A query that is built and compiled once, for what runs often:
   *
   *     const insert = database.statement<{ id: string }>()((slot) =>
   *       database.kysely.insertInto('states').values({ id: slot('id'), created_at: database.now() }))
   *     await insert({ id }, trx)
   *
   * The shape of the query must not depend on the values. Without `trx` it reads.
   */
  statement<Values extends object>(): <Row>(
    build: (slot: SlotOf<Values>) => RawBuilder<Row> | Compilable<Row>,
  ) => (values: Values, trx?: AnyTransaction) => Promise<QueryResult<Row>>
  /**
   * Makes an index that is not there yet, without a limit in time. PostgreSQL makes it while everybody goes on writing;
   * on SQLite writes and the loop wait for it.
   * @param definition what stands behind its name: `on notes (count) where …`
   */
  buildIndex(name: string, definition: RawBuilder<unknown>): Promise<void>
  /** Hints between the processes over one PostgreSQL. */
  readonly signals: Signals
  /** Milliseconds that a trivial query takes, for the health. Rejects when the database cannot be used. */
  ping(): Promise<number>
  stats(): DatabaseStats
  /** For tests: shifts {@link DialectSql.now} of this instance, in cached statements too. */
  setClockOffset(ms: number): void
  /** Waits for the running writes, refuses new ones, releases file or connections. */
  close(): Promise<void>
}

export interface WriteOptions {
  /** Another limit than that of all writes, for one that looks at every row. */
  timeoutMs?: number
}

export interface Database<Tables> extends AnyDatabase {
  /** For reads only (SQLite refuses writes here). It sees every acknowledged write. */
  readonly kysely: Kysely<Tables>
  write<T>(work: (trx: Transaction<Tables>) => Promise<T>, options?: WriteOptions): Promise<T>
}

export interface DatabaseOptions {
  /** `postgres://…`; undefined = SQLite in `file`. */
  url?: string | undefined
  /** The SQLite file; its directory is made when missing. */
  file: string
  /** PostgreSQL schema of the tables, made when missing. */
  schema: string
  migrations: Record<string, Migration>
  log: DatabaseLog
  /** PostgreSQL connections. Default 10. */
  poolSize?: number
  /** Writes that may wait; above, `DatabaseUnavailable`. Default 10 000. */
  pendingLimit?: number
  /** SQLite: writes that share one commit at most. Default 64. */
  groupLimit?: number
  /** SQLite: a group takes no more members after this time, so that the loop is not blocked. Default 20. */
  groupMs?: number
  /** A write that takes longer is rolled back. Default 10 000. */
  writeTimeoutMs?: number
  /** All migrations together, with the wait for another process that runs them. Default 600 000. */
  migrationTimeoutMs?: number
  /** SQLite: wait for a foreign lock on the file, blocking. Default 1 000. */
  busyTimeoutMs?: number
  /** SQLite: how long to wait for another process to leave the file. Default 1 000. */
  lockWaitMs?: number
  /** SQLite: prepared statements kept a connection. Default 500. */
  statementLimit?: number
  /** PostgreSQL: wait for a connection. Default 5 000. */
  connectTimeoutMs?: number
  /** PostgreSQL: one statement. Default 30 000. */
  statementTimeoutMs?: number
  /** PostgreSQL: a transaction that does nothing. Default 15 000. */
  idleTransactionTimeoutMs?: number
  /** PostgreSQL: repetitions after a serialization failure or deadlock. Default 5. */
  writeRetries?: number
  /** For tests: added to the database's clock. */
  clockOffsetMs?: () => number
}

/**
 * The one durable store of a process: SQLite in a file, or PostgreSQL when a URL is given, behind one interface.
 */
import type { Database, DatabaseOptions } from './database.ts'
import { LateValue } from './late-value.ts'
import { openPostgres } from './postgres-engine.ts'
import { createStatement } from './statement.ts'
import { openSqlite } from './sqlite-engine.ts'

export type {
  AnyDatabase,
  AnyTransaction,
  Database,
  DatabaseLog,
  DatabaseOptions,
  DatabaseStats,
  JsonColumn,
  Migration,
  NumberColumn,
} from './database.ts'
export type { Dialect, DialectSql } from './dialect.ts'
export type { Signals } from './signals.ts'
export { loadSqlite } from './sqlite-module.ts'
export { isStatementTimeout, isUniqueViolation } from './violations.ts'
export { backUpFile, restoreFile } from './sqlite-backup.ts'
export { BackupRefused, DatabaseInUse, DatabaseUnavailable } from './errors.ts'

/**
 * Opens the database and brings its schema up to date.
 * @throws DatabaseInUse another process holds the SQLite file
 * @throws DatabaseUnavailable PostgreSQL cannot be reached
 */
export async function openDatabase<Tables>(options: DatabaseOptions): Promise<Database<Tables>> {
  let offset = 0
  let closing: Promise<void> | undefined
  const clockOffset = new LateValue(() => offset + (options.clockOffsetMs?.() ?? 0))
  const open = options.url === undefined ? openSqlite : openPostgres
  const engine = await open(options, clockOffset)
  return {
    ...engine.sql,
    kysely: engine.kysely<Tables>(),
    write: (work, limits) =>
      engine.write((scope) => work(scope.transaction<Tables>()), limits?.timeoutMs),
    buildIndex: (name, definition) => engine.buildIndex(name, definition),
    afterCommit: (trx, callback) => engine.scopes.of(trx).afterCommit(callback),
    as: <Others>() => ({
      kysely: engine.kysely<Others>(),
      transaction: (trx) => engine.scopes.of(trx).transaction<Others>(),
    }),
    statement: () => (build) => {
      const statement = createStatement(build, engine.kysely())
      return (values, trx) =>
        statement(values, (query) =>
          trx === undefined ? engine.execute(query) : engine.scopes.of(trx).execute(query),
        )
    },
    signals: engine.signals,
    breathe: () => engine.breathe(),
    ping: () => engine.ping(),
    stats: () => engine.stats(),
    setClockOffset: (ms) => void (offset = ms),
    close: () => (closing ??= engine.close()),
  }
}

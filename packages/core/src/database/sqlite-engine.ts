import { mkdir } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import {
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
  type Dialect,
  type Driver,
  type RawBuilder,
} from 'kysely'
import type { DatabaseOptions } from './database.ts'
import type { Engine } from './engine.ts'
import type { LateValue } from './late-value.ts'
import { migrate, migrated, MIGRATION_TIMEOUT_MS } from './migrate.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { lockFile } from './sqlite-lock.ts'
import { binderFor, loadSqlite } from './sqlite-module.ts'
import { createSqliteReaders } from './sqlite-readers.ts'
import { noSignals } from './signals.ts'
import { createSqliteSql } from './sqlite-sql.ts'
import { SqliteWriter } from './sqlite-writer.ts'
import { createScopes, type Scope } from './transaction-scope.ts'

const createDialect = (driver: Driver): Dialect => ({
  createDriver: () => driver,
  createQueryCompiler: () => new SqliteQueryCompiler(),
  createAdapter: () => new SqliteAdapter(),
  createIntrospector: (db) => new SqliteIntrospector(db),
})

async function createIndex(scope: Scope, name: string, definition: RawBuilder<unknown>) {
  await sql`create index if not exists ${sql.id(name)} ${definition}`.execute(scope.transaction())
}

/** SQLite keeps 2 MiB of pages: with a backlog of some thousand rows it would read the same ones over and over. */
const WRITER_CACHE_KIB = 64 * 1024
const READER_CACHE_KIB = 8 * 1024
/** Negative: KiB instead of pages. */
const cacheOf = (kib: number): string => `cache_size = -${kib}`

const WRITER_PRAGMAS = [
  'journal_mode = wal',
  // A commit is on the disk before it is acknowledged. NORMAL would lose the last ones with the power.
  'synchronous = full',
  'foreign_keys = on',
  // What a savepoint may have to put back is kept as pages: in a file, every page of every write would be written twice.
  'temp_store = memory',
  cacheOf(WRITER_CACHE_KIB),
]
const READER_PRAGMAS = ['query_only = on', cacheOf(READER_CACHE_KIB)]

/** Opens the embedded database: one writing connection, a few reading ones, one process a file. */
export async function openSqlite(
  options: DatabaseOptions,
  clockOffset: LateValue,
): Promise<Engine> {
  const { file, log, statementLimit = 500, busyTimeoutMs = 1000 } = options
  const sqlite = await loadSqlite()
  await mkdir(dirname(file), { recursive: true })
  const lock = await lockFile(sqlite, file, options.lockWaitMs ?? 1000)

  const bind = binderFor(sqlite)
  const connect = (pragmas: string[]): SqliteConnection => {
    const database = new sqlite.DatabaseSync(file, { timeout: busyTimeoutMs })
    for (const pragma of pragmas) database.exec(`pragma ${pragma}`)
    return new SqliteConnection(database, bind, statementLimit)
  }
  const writing = connect(WRITER_PRAGMAS)
  const readers = createSqliteReaders(() => connect(READER_PRAGMAS))
  const dialect = createDialect(readers.driver)
  const scopes = createScopes({ dialect, log })
  const writer = new SqliteWriter({
    connection: writing,
    scopes,
    log,
    pendingLimit: options.pendingLimit ?? 10_000,
    groupLimit: options.groupLimit ?? 64,
    groupMs: options.groupMs ?? 20,
    writeTimeoutMs: options.writeTimeoutMs ?? 10_000,
  })
  const dialectSql = createSqliteSql(clockOffset)
  const { driver } = readers
  const props = { config: { dialect }, dialect, driver, executor: readers.executor(dialect) }

  const engine: Engine = {
    sql: dialectSql,
    scopes,
    signals: noSignals,
    write: (work, timeoutMs) => writer.write(work, timeoutMs),
    buildIndex: (name, definition) =>
      writer.write((scope) => createIndex(scope, name, definition), MIGRATION_TIMEOUT_MS),
    execute: (query) => readers.first.executeQuery(query),
    stats: () => writer.stats(),
    breathe: () => setImmediate(),
    kysely: <Tables>() => new Kysely<Tables>(props),
    async ping() {
      const from = performance.now()
      await readers.first.executeQuery(
        sql`select count(*) from sqlite_schema`.compile(engine.kysely()),
      )
      return performance.now() - from
    },
    async close() {
      await writer.close()
      readers.close()
      writing.close()
      lock.release()
    },
  }
  const { migrationTimeoutMs = MIGRATION_TIMEOUT_MS } = options
  const run = (scope: Scope) => migrate(scope, options.migrations, dialectSql, log)
  return migrated(engine, () => writer.write(run, migrationTimeoutMs))
}

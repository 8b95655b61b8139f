import type { DatabaseConnection, Dialect, Driver, QueryExecutor } from 'kysely'
import { SqliteConnection } from './sqlite-connection.ts'
import { createDirectExecutor } from './transaction-scope.ts'

/** Snapshots (Kysely transactions and streams) that may be read at once. */
const SNAPSHOT_LIMIT = 4

/**
 * The reading connections: the first for single queries, which SQLite runs to their end at once, further ones for
 * those that keep a connection (`kysely.transaction()` to read one snapshot, streams).
 */
export function createSqliteReaders(connect: () => SqliteConnection) {
  const first = connect()
  const idle: SqliteConnection[] = []
  const all = new Set([first])
  const waiting: ((connection: SqliteConnection) => void)[] = []

  function acquire(): Promise<SqliteConnection> {
    const free = idle.pop()
    if (free !== undefined) return Promise.resolve(free)
    if (all.size > SNAPSHOT_LIMIT) return new Promise((resolve) => void waiting.push(resolve))
    const opened = connect()
    all.add(opened)
    return Promise.resolve(opened)
  }

  const run = async (connection: DatabaseConnection, command: string): Promise<void> => {
    if (connection instanceof SqliteConnection) connection.run(command)
  }

  const driver: Driver = {
    init: async () => {},
    acquireConnection: acquire,
    async releaseConnection(connection) {
      if (!(connection instanceof SqliteConnection)) return
      const next = waiting.shift()
      if (next === undefined) idle.push(connection)
      else next(connection)
    },
    beginTransaction: (connection) => run(connection, 'begin'),
    commitTransaction: (connection) => run(connection, 'commit'),
    rollbackTransaction: (connection) => run(connection, 'rollback'),
    destroy: async () => {},
  }

  return {
    first,
    driver,
    executor: (dialect: Dialect): QueryExecutor => createDirectExecutor(dialect, first, driver),
    close(): void {
      for (const connection of all) connection.close()
    },
  }
}

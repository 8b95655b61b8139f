/** One suite over every store: SQLite always, PostgreSQL where it is installed. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest'
import {
  openDatabase,
  type Database,
  type DatabaseLog,
  type DatabaseOptions,
  type Dialect,
  type Migration,
} from '../database/index.ts'
import { postgresService, startPostgres, type PostgresServer } from './postgres-server.ts'
import { describeService } from './services.ts'

export const quietLog: DatabaseLog = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
}

/** The store of one suite. */
export interface TestStore {
  readonly dialect: Dialect
  /** A place for the tables of one test: its own file, or its own schema. */
  place(): Promise<Pick<DatabaseOptions, 'url' | 'file' | 'schema'>>
  /** An empty database of the running test, closed with it. */
  open<Tables>(
    migrations: Record<string, Migration>,
    options?: Partial<DatabaseOptions>,
  ): Promise<Database<Tables>>
  /** The server of a PostgreSQL suite. */
  server(): PostgresServer
}

/**
 * Runs a suite over both dialects; see {@link describeService} for a missing PostgreSQL.
 *
 *     describeDatabases('states', (store) => {
 *       test('keeps what it was told', async () => {
 *         const database = await store.open<Tables>(migrations)
 */
export function describeDatabases(title: string, suite: (store: TestStore) => void): void {
  describeSqlite(title, suite)
  describePostgres(title, suite)
}

export function describeSqlite(title: string, suite: (store: TestStore) => void): void {
  describe(`${title} on SQLite`, () => {
    suite(createStore('sqlite', () => undefined))
  })
}

/** One server for the whole suite, a schema for each test. */
export function describePostgres(title: string, suite: (store: TestStore) => void): void {
  describeService(postgresService, `${title} on PostgreSQL`, () => {
    let server: PostgresServer | undefined
    beforeAll(async () => {
      server = await startPostgres({ fsync: false })
    })
    afterAll(async () => {
      await server?.stop()
    })
    suite(createStore('postgres', () => server))
  })
}

function createStore(dialect: Dialect, server: () => PostgresServer | undefined): TestStore {
  let places = 0
  const store: TestStore = {
    dialect,
    server() {
      const running = server()
      if (running === undefined) throw new Error('This suite has no server')
      return running
    },
    async place() {
      places += 1
      const directory = await mkdtemp(join(tmpdir(), 'potok-database-'))
      onTestFinished(() => rm(directory, { recursive: true, force: true }))
      return { url: server()?.url, file: join(directory, 'test.db'), schema: `test_${places}` }
    },
    async open<Tables>(
      migrations: Record<string, Migration>,
      options: Partial<DatabaseOptions> = {},
    ) {
      const place = await store.place()
      const database = await openDatabase<Tables>({
        ...place,
        migrations,
        log: quietLog,
        ...options,
      })
      onTestFinished(() => database.close())
      return database
    },
  }
  return store
}

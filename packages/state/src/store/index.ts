/**
 * Store: the one database of the process with the tables of all plugins, as `app.store`; `app.longReads` for queries
 * that may look at every row.
 */
import { join } from 'node:path'
import { openDatabase, type Database } from '@potok/core/database'
import { queueMigrations } from '@potok/core/queue'
import fp from 'fastify-plugin'
import { migrations as cacheMigrations } from '../cache/migrations.ts'
import type { CacheTables } from '../cache/tables.ts'
import { migrations as eventMigrations } from '../events/migrations.ts'
import type { EventTables } from '../events/tables.ts'
import { migrations as externalDbMigrations } from '../external-db/migrations.ts'
import type { ExternalDbTables } from '../external-db/tables.ts'
import { migrations as idempotencyMigrations } from '../idempotency/migrations.ts'
import type { IdempotencyTables } from '../idempotency/tables.ts'
import { migrations as machineMigrations } from '../machines/migrations.ts'
import type { MachineTables } from '../machines/tables.ts'
import { migrations as stateMigrations } from '../states/migrations.ts'
import type { StateTables } from '../states/tables.ts'
import { migrations as webhookMigrations } from '../webhooks/migrations.ts'
import type { WebhookTables } from '../webhooks/tables.ts'
import type { LongReads } from './long-reads.ts'
import { measured } from './metrics.ts'
import { createPostgresLongReads } from './postgres-long-reads.ts'
import { createSqliteLongReads } from './sqlite-long-reads.ts'

export { ReadTooLong } from './errors.ts'
export type { LongReads } from './long-reads.ts'

export type StoreTables = StateTables &
  MachineTables &
  IdempotencyTables &
  EventTables &
  WebhookTables &
  CacheTables &
  ExternalDbTables

export type Store = Database<StoreTables>

/** Worker threads for long reads: a second one, so that the first long query does not hold up the next. */
const SQLITE_PLACES = 2
/** Long reads that wait for a place; more are refused. */
const WAITING_LIMIT = 32
/** How long they wait. */
const WAIT_MS = 4000

export interface StoreOptions {
  /** `postgres://…`; undefined: a SQLite file in `dataDir`. */
  url?: string | undefined
  dataDir: string
  /** PostgreSQL schema of the tables. */
  schema?: string
  /** PostgreSQL connections of this process. */
  poolSize: number
  /** DATABASE_MIGRATION_TIMEOUT_MS */
  migrationTimeoutMs?: number
  /** How long a long read may take, milliseconds. */
  queryTimeoutMs?: number
  /** For tests: added to the database's clock. */
  clockOffsetMs?: () => number
}

declare module 'fastify' {
  interface FastifyInstance {
    store: Store
    longReads: Pick<LongReads, 'run' | 'quick'>
  }
}

export default fp<StoreOptions>(
  async (app, { url, dataDir, schema = 'state', poolSize, queryTimeoutMs = 2000, ...options }) => {
    const file = join(dataDir, 'state.sqlite')
    const database = await openDatabase<StoreTables>({
      url,
      file,
      schema,
      poolSize,
      ...options,
      migrations: {
        ...queueMigrations,
        ...stateMigrations,
        ...machineMigrations,
        ...idempotencyMigrations,
        ...eventMigrations,
        ...webhookMigrations,
        ...cacheMigrations,
        ...externalDbMigrations,
      },
      log: app.log,
    })
    const store = measured(database, app.registry)
    app.decorate('store', store)
    const limits = { limitMs: queryTimeoutMs, waitingLimit: WAITING_LIMIT, waitMs: WAIT_MS }
    const longReads =
      store.dialect === 'postgres'
        ? createPostgresLongReads(store, {
            ...limits,
            places: Math.max(1, Math.floor(poolSize / 3)),
          })
        : createSqliteLongReads(store, file, { ...limits, places: SQLITE_PLACES })
    app.decorate('longReads', longReads)
    app.addHook('onClose', async () => {
      await longReads.close()
      await store.close()
    })
    app.health.part({
      name: 'store',
      required: true,
      check: async () => ({ status: 'up', latencyMs: await store.ping() }),
    })
  },
  { name: '@potok/state/store', fastify: '5.x', dependencies: ['@potok/health', '@potok/metrics'] },
)

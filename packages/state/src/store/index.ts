/**
 * Store: the one database of the process with the tables of all plugins, as `app.store`.
 */
import { join } from 'node:path'
import { openDatabase, type Database } from '@potok/core/database'
import fp from 'fastify-plugin'
import { migrations as eventMigrations } from '../events/migrations.ts'
import type { EventTables } from '../events/tables.ts'
import { migrations as idempotencyMigrations } from '../idempotency/migrations.ts'
import type { IdempotencyTables } from '../idempotency/tables.ts'
import { migrations as machineMigrations } from '../machines/migrations.ts'
import type { MachineTables } from '../machines/tables.ts'
import { migrations as stateMigrations } from '../states/migrations.ts'
import type { StateTables } from '../states/tables.ts'
import { migrations as webhookMigrations } from '../webhooks/migrations.ts'
import type { WebhookTables } from '../webhooks/tables.ts'

export type StoreTables = StateTables &
  MachineTables &
  IdempotencyTables &
  EventTables &
  WebhookTables

export type Store = Database<StoreTables>

export interface StoreOptions {
  /** `postgres://…`; undefined: a SQLite file in `dataDir`. */
  url?: string | undefined
  dataDir: string
  /** PostgreSQL connections of this process. */
  poolSize: number
}

declare module 'fastify' {
  interface FastifyInstance {
    store: Store
  }
}

export default fp<StoreOptions>(
  async (app, { url, dataDir, poolSize }) => {
    const store = await openDatabase<StoreTables>({
      url,
      file: join(dataDir, 'state.sqlite'),
      schema: 'state',
      poolSize,
      migrations: {
        ...stateMigrations,
        ...machineMigrations,
        ...idempotencyMigrations,
        ...eventMigrations,
        ...webhookMigrations,
      },
      log: app.log,
    })
    app.decorate('store', store)
    app.addHook('onClose', () => store.close())
    app.health.part({
      name: 'store',
      required: true,
      check: async () => ({ status: 'up', latencyMs: await store.ping() }),
    })
  },
  { name: '@potok/state/store', fastify: '5.x', dependencies: ['@potok/health'] },
)

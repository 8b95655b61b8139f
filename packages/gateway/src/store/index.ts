/**
 * Store: `app.store`, the one durable store of the gateway, for sessions, the bot's in- and outbox and notifications.
 */
import { join } from 'node:path'
import fp from 'fastify-plugin'
import { openDatabase, type Database, type Migration } from '@potok/core/database'
import { queueMigrations } from '@potok/core/queue'
import { authMigrations } from '../auth/migrations.ts'
import type { AuthTables } from '../auth/tables.ts'
import { botMigrations } from '../bot/migrations.ts'
import type { BotTables } from '../bot/tables.ts'
import { notificationMigrations } from '../notifications/migrations.ts'
import type { NotificationTables } from '../notifications/tables.ts'
import { notifierMigrations } from '../notifier/migrations.ts'
import type { NotifierTables } from '../notifier/tables.ts'

/** The tables of all plugins over the store. The queue knows its own. */
export type GatewayTables = AuthTables & BotTables & NotificationTables & NotifierTables
export type Store = Database<GatewayTables>

/** Of all plugins over the store, by names that are unique across them. */
const migrations: Record<string, Migration> = {
  ...queueMigrations,
  ...authMigrations,
  ...botMigrations,
  ...notificationMigrations,
  ...notifierMigrations,
}

export interface StoreOptions {
  /** `DATABASE_URL`; undefined: a SQLite file in `dataDir`. */
  url: string | undefined
  poolSize: number
  /** DATABASE_MIGRATION_TIMEOUT_MS */
  migrationTimeoutMs?: number
  /** `POTOK_DATA_DIR`. */
  dataDir: string
}

declare module 'fastify' {
  interface FastifyInstance {
    store: Store
  }
}

export default fp<StoreOptions>(
  async (app, { url, poolSize, dataDir, ...limits }) => {
    const store = await openDatabase<GatewayTables>({
      url,
      poolSize,
      ...limits,
      file: join(dataDir, 'gateway.sqlite'),
      schema: 'gateway',
      migrations,
      log: app.log,
    })
    app.decorate('store', store)
    app.addHook('onClose', () => store.close())
    app.health.part({
      name: 'store',
      readinessKey: 'store',
      required: true,
      check: async () => ({ status: 'up', pingMs: await store.ping() }),
    })
  },
  { name: '@potok/gateway-store', fastify: '5.x', dependencies: ['@potok/health'] },
)

/**
 * The store of the admin process: one database, SQLite or PostgreSQL, with the tables of every plugin over it.
 */
import { join } from 'node:path'
import fp from 'fastify-plugin'
import { openDatabase, type Database } from '@potok/core/database'
import { documentsMigrations } from '../documents/migrations.ts'
import type { DocumentsTables } from '../documents/tables.ts'
import { settingsMigrations } from '../settings/migrations.ts'
import type { SettingsTables } from '../settings/tables.ts'
import { usersMigrations } from '../users/migrations.ts'
import type { UsersTables } from '../users/tables.ts'

export type AdminTables = UsersTables & SettingsTables & DocumentsTables
export type Store = Database<AdminTables>

interface StoreOptions {
  /** `postgres://…`; undefined: SQLite. */
  url: string | undefined
  /** Directory of the SQLite file. */
  directory: string
  /** PostgreSQL connections. */
  poolSize: number
  /** DATABASE_MIGRATION_TIMEOUT_MS */
  migrationTimeoutMs?: number
}

declare module 'fastify' {
  interface FastifyInstance {
    store: Store
  }
}

export default fp<StoreOptions>(
  async (app, { url, directory, poolSize, ...limits }) => {
    const store = await openDatabase<AdminTables>({
      url,
      file: join(directory, 'admin.sqlite'),
      schema: 'admin',
      migrations: { ...usersMigrations, ...settingsMigrations, ...documentsMigrations },
      poolSize,
      ...limits,
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
  { name: '@potok/admin-store', fastify: '5.x', dependencies: ['@potok/health'] },
)

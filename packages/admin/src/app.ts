import '@potok/core/access'
import apiKey from '@potok/core/api-key'
import rateLimit from '@potok/core/rate-limit'
import { createServer, type Server, type ServerOptions } from '@potok/core/server'
import type { Config } from './config.ts'
import documents from './documents/index.ts'
import ownScope from './own-scope/index.ts'
import settings from './settings/index.ts'
import store from './store/index.ts'
import users from './users/index.ts'

/** Characters of an API key that tell one caller from another in the rate limit. */
const KEY_LENGTH = 64

/** The admin process: its plugins in dependency order. */
export async function buildApp(config: Config, logger: ServerOptions['logger']): Promise<Server> {
  const app = await createServer({
    config,
    logger,
    health: { prefix: '/health' },
    metricsPath: '/metrics',
    docs: {
      path: '/api-docs',
      title: 'Potok admin service',
      description: 'People, their roles and settings, and a generic document store.',
      security: 'apiKey',
    },
  })
  await app.register(rateLimit, {
    limit: config.THROTTLE_LIMIT,
    ttlSeconds: config.THROTTLE_TTL,
    // Before anybody is known: the key itself, cut short because anything may stand there.
    keyOf: ({ headers }) => String(headers['x-api-key']).slice(0, KEY_LENGTH),
    skip: (_request, { config: { public: isPublic } }) => isPublic === true,
  })
  await app.register(apiKey, { keys: config.API_KEYS })
  await app.register(ownScope)
  await app.register(store, {
    url: config.DATABASE_URL,
    directory: config.POTOK_DATA_DIR,
    poolSize: config.DATABASE_POOL_SIZE,
    migrationTimeoutMs: config.DATABASE_MIGRATION_TIMEOUT_MS,
  })
  await app.register(users, {
    prefix: '/api/v1/users',
    passwords: {
      concurrency: config.PASSWORD_HASH_CONCURRENCY,
      queueLimit: config.PASSWORD_HASH_QUEUE,
    },
    firstPerson: { username: config.ADMIN_USERNAME, password: config.ADMIN_PASSWORD },
    accessChangeDays: config.ACCESS_CHANGE_RETENTION_DAYS,
  })
  await app.register(settings, { prefix: '/api/v1/users' })
  await app.register(documents, {
    prefix: '/api/v1/db',
    tombstoneDays: config.DOCUMENT_TOMBSTONE_DAYS,
  })
  return app
}

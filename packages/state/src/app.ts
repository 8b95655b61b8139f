import '@potok/core/access'
import { createHash } from 'node:crypto'
import apiKey from '@potok/core/api-key'
import rateLimit from '@potok/core/rate-limit'
import { createServer } from '@potok/core/server'
import type { Logger } from '@potok/core/logging'
import cache from './cache/index.ts'
import type { Config } from './config.ts'
import discovery from './discovery/index.ts'
import events from './events/index.ts'
import externalDb from './external-db/index.ts'
import idempotency from './idempotency/index.ts'
import machines from './machines/index.ts'
import {
  cacheOptions,
  discoveryOptions,
  externalDbOptions,
  webhookOptions,
} from './plugin-options.ts'
import states from './states/index.ts'
import store from './store/index.ts'
import transfer from './transfer/index.ts'
import webhooks from './webhooks/index.ts'

const digest = (text: string): string =>
  createHash('sha256').update(text).digest('base64url').slice(0, 22)

/** The state service: its plugins in the order of their dependencies. */
export async function buildApp(config: Config, logger: Logger) {
  const app = await createServer({
    config,
    logger,
    health: { prefix: '/health' },
    metricsPath: '/metrics',
    docs: {
      path: '/api-docs',
      title: 'Potok state service',
      description: 'States, their history and their rules; events and webhooks about every change.',
      security: 'apiKey',
    },
  })
  await app.register(rateLimit, {
    limit: config.THROTTLE_LIMIT,
    ttlSeconds: config.THROTTLE_TTL,
    // Nobody is known yet at this moment; the key itself must not stand in a store of counters.
    keyOf: ({ headers }) => digest(String(headers['x-api-key'])),
    skip: ({ routeOptions }) => routeOptions.config.public === true,
  })
  await app.register(apiKey, { keys: config.API_KEYS })
  await app.register(store, {
    url: config.DATABASE_URL,
    dataDir: config.POTOK_DATA_DIR,
    poolSize: config.DATABASE_POOL_SIZE,
    migrationTimeoutMs: config.DATABASE_MIGRATION_TIMEOUT_MS,
    queryTimeoutMs: config.QUERY_TIMEOUT_MS,
  })
  await app.register(idempotency, { retentionMs: config.IDEMPOTENCY_RETENTION_HOURS * 3_600_000 })
  await app.register(events, {
    retentionDays: config.EVENT_RETENTION_DAYS,
    maxStreams: config.STREAM_MAX_CLIENTS,
    pollMs: config.EVENT_POLL_MS,
    heartbeatMs: config.STREAM_HEARTBEAT_MS,
    stallMs: config.STREAM_STALL_MS,
    purgeMs: config.RETENTION_SWEEP_MS,
  })
  await app.register(webhooks, webhookOptions(config))
  await app.register(machines)
  await app.register(cache, cacheOptions(config))
  await app.register(externalDb, externalDbOptions(config))
  await app.register(discovery, discoveryOptions(config, app.externalDb))
  await app.register(states, {
    cache: app.stateCache,
    elsewhere: app.externalDb,
    metadataLimitBytes: config.METADATA_LIMIT,
    sweepMs: config.EXPIRY_SWEEP_MS,
  })
  await app.register(transfer, { metadataLimitBytes: config.METADATA_LIMIT })
  return app
}

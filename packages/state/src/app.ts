import apiKey from '@potok/core/api-key'
import { createServer } from '@potok/core/server'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import events from './events/index.ts'
import idempotency from './idempotency/index.ts'
import machines from './machines/index.ts'
import states from './states/index.ts'
import store from './store/index.ts'

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
  await app.register(apiKey, { keys: config.API_KEYS })
  await app.register(store, {
    url: config.DATABASE_URL,
    dataDir: config.POTOK_DATA_DIR,
    poolSize: config.DATABASE_POOL_SIZE,
  })
  await app.register(idempotency, { retentionMs: config.IDEMPOTENCY_RETENTION_HOURS * 3_600_000 })
  await app.register(events, {
    retentionDays: config.EVENT_RETENTION_DAYS,
    maxStreams: config.STREAM_MAX_CLIENTS,
  })
  await app.register(machines)
  await app.register(states, { metadataLimitBytes: config.METADATA_LIMIT })
  return app
}

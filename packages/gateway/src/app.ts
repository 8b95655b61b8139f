import type { Logger } from 'pino'
import { durationMs } from '@potok/core/lib/duration'
import { originsOf } from '@potok/core/security'
import { createServer } from '@potok/core/server'
import access from './access/index.ts'
import auth from './auth/index.ts'
import circuits from './circuits/index.ts'
import type { Config } from './config.ts'
import { presentHealth } from './health-view.ts'
import httpGuard from './http-guard/index.ts'
import proxy from './proxy/index.ts'
import store from './store/index.ts'
import upstreams from './upstreams/index.ts'

/** Browsers of these may always call, by commission. */
const ORIGINS = ['https://max.app', 'https://admin.potok.app']

/** The gateway: its plugins in the order of their dependencies. */
export async function buildApp(config: Config, logger: Logger) {
  const app = await createServer({
    config,
    logger,
    origins: originsOf(...ORIGINS, config.MAX_API_BASE_URL, config.CORS_ORIGINS),
    health: { prefix: '/api/v1/health', present: presentHealth },
    metricsPath: '/api/v1/metrics',
    docs: {
      path: '/api/docs',
      title: 'Potok Gateway',
      description: 'The door to Potok: log in, then send the access token as a bearer token.',
      security: 'bearer',
    },
  })
  await app.register(httpGuard)
  await app.register(store, {
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL_SIZE,
    dataDir: config.POTOK_DATA_DIR,
  })
  const { ADMIN_SERVICE_API_KEY: key, TASK_SERVICE_URL: taskUrl } = config
  await app.register(upstreams, {
    admin: { url: config.ADMIN_SERVICE_URL, apiKey: key },
    state: { url: config.STATE_SERVICE_URL, apiKey: config.STATE_SERVICE_API_KEY ?? key },
    task:
      taskUrl === undefined
        ? undefined
        : { url: taskUrl, apiKey: config.TASK_SERVICE_API_KEY ?? key },
    breaker: {
      failureThreshold: config.CIRCUIT_BREAKER_FAILURE_THRESHOLD,
      successThreshold: config.CIRCUIT_BREAKER_SUCCESS_THRESHOLD,
      resetMs: config.CIRCUIT_BREAKER_TIMEOUT,
    },
    deadlineMs: config.UPSTREAM_TIMEOUT_MS,
    bodyLimitBytes: config.BODY_LIMIT,
  })
  await app.register(auth, {
    accessSecrets: config.JWT_SECRET,
    accessTtlMs: durationMs(config.JWT_EXPIRATION),
    refreshSecrets: config.JWT_REFRESH_SECRET,
    refreshTtlMs: durationMs(config.JWT_REFRESH_EXPIRATION),
  })
  await app.register(access)
  await app.register(proxy, { bodyLimitBytes: config.BODY_LIMIT })
  await app.register(circuits)
  return app
}

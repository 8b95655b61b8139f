import { ConfigError } from '@potok/core/config'
import type { CacheOptions } from './cache/index.ts'
import type { Config } from './config.ts'
import type { DiscoveryOptions, WatchedEntry } from './discovery/index.ts'
import { parseServices } from './discovery/known-services.ts'
import type { WebhooksOptions } from './webhooks/index.ts'
import type { ExternalDb, ExternalDbOptions } from './external-db/index.ts'

function globalRedis(config: Config): CacheOptions['redis']['global'] {
  if (!config.REDIS_GLOBAL_ENABLED) return undefined
  if (config.REDIS_GLOBAL_HOST === undefined) {
    throw new ConfigError('REDIS_GLOBAL_ENABLED is true and REDIS_GLOBAL_HOST is not set')
  }
  return {
    host: config.REDIS_GLOBAL_HOST,
    port: config.REDIS_GLOBAL_PORT,
    db: config.REDIS_GLOBAL_DB,
    password: config.REDIS_GLOBAL_PASSWORD,
  }
}

function localRedis(config: Config): CacheOptions['redis']['local'] {
  if (config.REDIS_LOCAL_HOST === undefined) return undefined
  return {
    host: config.REDIS_LOCAL_HOST,
    port: config.REDIS_LOCAL_PORT,
    db: config.REDIS_LOCAL_DB,
    password: config.REDIS_LOCAL_PASSWORD,
  }
}

export const cacheOptions = (config: Config): CacheOptions => ({
  redis: { local: localRedis(config), global: globalRedis(config) },
  ttl: config.CACHE_TTL,
  degradedTtlMs: config.CACHE_DEGRADED_TTL * 1000,
  entries: config.CACHE_MAX_ENTRIES,
  characters: config.CACHE_MAX_BYTES,
})

export const externalDbOptions = (config: Config): ExternalDbOptions => ({
  url: config.EXTERNAL_DB_URL,
  apiKey: config.EXTERNAL_DB_API_KEY,
  timeoutMs: config.DB_CONNECTION_TIMEOUT,
  attempts: config.DB_RETRY_ATTEMPTS,
})

export const webhookOptions = (config: Config): WebhooksOptions => ({
  timeoutMs: config.WEBHOOK_DELIVERY_TIMEOUT,
  maxRetries: config.WEBHOOK_MAX_RETRIES,
  retryDelayMs: config.WEBHOOK_RETRY_DELAY,
  defaultSecret: config.WEBHOOK_SECRET_KEY,
  maxFailures: config.WEBHOOK_MAX_FAILURES,
  failureSpacingMs: config.WEBHOOK_FAILURE_SPACING_MS,
  allowedTargets: config.WEBHOOK_ALLOWED_TARGETS,
  production: config.NODE_ENV === 'production',
  concurrency: config.WEBHOOK_CONCURRENCY,
  maxInFlight: config.WEBHOOK_MAX_IN_FLIGHT,
  maxSubscriptions: config.WEBHOOK_MAX_SUBSCRIPTIONS,
  connectTimeoutMs: config.WEBHOOK_CONNECT_TIMEOUT,
  pingTimeoutMs: config.WEBHOOK_PING_TIMEOUT,
  responseLimit: config.WEBHOOK_RESPONSE_LIMIT,
  bodyCacheBytes: config.WEBHOOK_BODY_CACHE,
  breakerFailures: config.WEBHOOK_BREAKER_FAILURES,
  rampMs: config.WEBHOOK_RAMP_MS,
  pollMs: config.WEBHOOK_POLL_MS,
  gatherMs: config.WEBHOOK_GATHER_MS,
  directLimit: config.WEBHOOK_DIRECT,
  lanesAClaim: config.WEBHOOK_CLAIM_SUBSCRIPTIONS,
  lanesSeen: config.WEBHOOK_CLAIM_PASSES,
  retentionDays: config.DELIVERY_RETENTION_DAYS,
  purgeMs: config.RETENTION_SWEEP_MS,
})

/** What the external DB is called among the services: it is the admin service. */
const EXTERNAL_DB_SERVICE = 'admin'

export function discoveryOptions(
  config: Config,
  externalDb: ExternalDb | undefined,
): DiscoveryOptions {
  const { EXTERNAL_DB_URL: url, DISCOVERY_SERVICES, DISCOVERY_INTERVAL_MS: intervalMs } = config
  const listed: WatchedEntry[] = parseServices(DISCOVERY_SERVICES)
  if (url === undefined || externalDb === undefined) return { services: listed, intervalMs }
  const { circuit, hurry: onUp } = externalDb
  const admin = { name: EXTERNAL_DB_SERVICE, where: { url }, circuit, onUp }
  return {
    services: [admin, ...listed.filter(({ name }) => name !== EXTERNAL_DB_SERVICE)],
    intervalMs,
  }
}

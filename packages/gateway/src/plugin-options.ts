import { ConfigError } from '@potok/core/config'
import { durationMs } from '@potok/core/lib/duration'
import { trustedProxies } from '@potok/core/lib/trusted-proxies'
import { originsOf } from '@potok/core/security'
import type { ServerOptions } from '@potok/core/server'
import type { AuthOptions } from './auth/index.ts'
import type { BotOptions } from './bot/index.ts'
import type { Config } from './config.ts'
import type { DocsOptions } from './docs/index.ts'
import type { EventsOptions } from './events/index.ts'
import { presentHealth } from './health-view.ts'
import type { NotificationsOptions } from './notifications/index.ts'
import type { NotifierOptions } from './notifier/index.ts'
import type { ProxyOptions } from './proxy/index.ts'
import type { GatewayRedisOptions } from './redis/index.ts'
import type { ResponseCacheOptions } from './response-cache/index.ts'
import type { StoreOptions } from './store/index.ts'
import type { UpstreamsOptions } from './upstreams/index.ts'
import type { WsOptions } from './ws/index.ts'

/** Browsers of these may always call, by commission. */
const ORIGINS = ['https://max.app', 'https://admin.potok.app']

const origins = (config: Config): string[] =>
  originsOf(...ORIGINS, config.MAX_API_BASE_URL, config.CORS_ORIGINS)

export const serverOptions = (config: Config): Omit<ServerOptions, 'logger'> => ({
  config,
  origins: origins(config),
  health: { prefix: '/api/v1/health', present: presentHealth },
  metricsPath: '/api/v1/metrics',
  docs: {
    path: '/api/docs',
    title: 'Potok Gateway',
    description: 'The door to Potok: log in, then send the access token as a bearer token.',
    security: 'bearer',
  },
})

export const redisOptions = (config: Config): GatewayRedisOptions => ({
  host: config.REDIS_HOST,
  port: config.REDIS_PORT,
  password: config.REDIS_PASSWORD,
  db: config.REDIS_DB,
  keyPrefix: config.REDIS_KEY_PREFIX,
})

export const storeOptions = (config: Config): StoreOptions => ({
  url: config.DATABASE_URL,
  poolSize: config.DATABASE_POOL_SIZE,
  migrationTimeoutMs: config.DATABASE_MIGRATION_TIMEOUT_MS,
  dataDir: config.POTOK_DATA_DIR,
})

export function upstreamsOptions(config: Config): UpstreamsOptions {
  const { ADMIN_SERVICE_API_KEY: key, TASK_SERVICE_URL: taskUrl } = config
  return {
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
  }
}

export const authOptions = (config: Config): AuthOptions => ({
  accessSecrets: config.JWT_SECRET,
  accessTtlMs: durationMs(config.JWT_EXPIRATION),
  refreshSecrets: config.JWT_REFRESH_SECRET,
  refreshTtlMs: durationMs(config.JWT_REFRESH_EXPIRATION),
  accessPollMs: config.ACCESS_POLL_MS,
})

/** @throws ConfigError webhook mode without what it needs */
export function botOptions(config: Config): BotOptions {
  const { MAX_BOT_TOKEN: token, MAX_BOT_WEBHOOK_URL: webhookUrl } = config
  const { MAX_BOT_WEBHOOK_SECRET: webhookSecret } = config
  const usual = webhookUrl === undefined ? 'polling' : 'webhook'
  const mode = config.MAX_BOT_MODE ?? (token === undefined ? 'off' : usual)
  if (token !== undefined && mode === 'webhook' && webhookSecret === undefined) {
    throw new ConfigError('MAX_BOT_WEBHOOK_SECRET must be set: MAX_BOT_MODE is webhook')
  }
  return { token, baseUrl: config.MAX_API_BASE_URL, mode, webhookUrl, webhookSecret }
}

export const eventsOptions = (config: Config): EventsOptions => ({
  origin: config.STATE_SERVICE_URL,
  apiKey: config.STATE_SERVICE_API_KEY ?? config.ADMIN_SERVICE_API_KEY,
  missedMost: config.WS_REPLAY_LIMIT,
})

export const notifierOptions = (config: Config): NotifierOptions => ({
  internalUrl: config.GATEWAY_INTERNAL_URL ?? `http://127.0.0.1:${config.PORT}`,
})

export const notificationsOptions = (config: Config): NotificationsOptions => ({
  retentionDays: config.NOTIFICATION_RETENTION_DAYS,
  unseenMost: config.NOTIFICATION_UNSEEN_LIMIT,
})

export const wsOptions = (config: Config): WsOptions => ({
  origins: origins(config),
  transports: config.WS_TRANSPORTS.split(',').map((name) =>
    name === 'polling' ? 'polling' : 'websocket',
  ),
  trustedProxies: trustedProxies(config.TRUSTED_PROXIES),
  keyPrefix: config.REDIS_KEY_PREFIX,
  limits: {
    eventsPerSecond: config.WS_EVENTS_PER_SECOND,
    messagesPerSecond: config.WS_MESSAGES_PER_SECOND,
    channelsPerSocket: config.WS_CHANNELS_PER_SOCKET,
    payloadBytes: config.WS_PAYLOAD_LIMIT,
    queueBytes: config.WS_QUEUE_LIMIT,
    connectionsPerAddress: config.WS_CONNECTIONS_PER_IP,
    connectionsPerUser: config.WS_CONNECTIONS_PER_USER,
    connections: config.WS_CONNECTIONS,
    packetsPerSecond: config.WS_PACKETS_PER_SECOND,
    refusals: config.WS_REFUSALS,
    waitingEvents: config.WS_REPLAY_LIMIT,
    authenticateWithinMs: config.WS_AUTHENTICATE_TIMEOUT_MS,
  },
})

export const docsOptions = (config: Config): DocsOptions => ({ ttlMs: config.DOCS_TTL * 1000 })

export const responseCacheOptions = (config: Config): ResponseCacheOptions => ({
  ttlMs: config.RESPONSE_CACHE_TTL * 1000,
  maxBytes: config.RESPONSE_CACHE_MAX_BYTES,
})

export const proxyOptions = (config: Config): ProxyOptions => ({
  bodyLimitBytes: config.BODY_LIMIT,
  keepStates: config.RESPONSE_CACHE_STATES,
})

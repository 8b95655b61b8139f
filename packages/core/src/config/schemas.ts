import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'

export const DEVELOPMENT_API_KEYS =
  'gateway=gateway-service-key,state=state-service-key,task=task-service-key,admin=admin-service-key'

/**
 * Secrets that stand in our sources, so that development needs no settings. In production no secret setting of any process
 * may be one of them: a key in the place of another one is as well known.
 */
export const DEVELOPMENT_SECRETS: readonly string[] = [
  'gateway-service-key',
  'state-service-key',
  'task-service-key',
  'admin-service-key',
  'your-super-secret-jwt-key-change-in-production',
  'your-super-secret-refresh-key-change-in-production',
  'your-webhook-secret',
  'password',
]

/** What every process reads. A process overrides PORT and APP_NAME with its own defaults. */
export const baseConfig = {
  NODE_ENV: closedSet(['development', 'test', 'production'], {
    default: 'development',
    description: 'In production weak defaults are refused, logs are JSON and the log level is info',
  }),
  HOST: Type.String({
    default: '127.0.0.1',
    description: 'Address to listen on (images: 0.0.0.0)',
  }),
  LOG_LEVEL: Type.Unsafe<'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'>({
    type: 'string',
    enum: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    default: 'debug',
    productionDefault: 'info',
    description: 'Least severe level that is logged (production: info)',
  }),
  LOG_FORMAT: Type.Unsafe<'pretty' | 'json'>({
    type: 'string',
    enum: ['pretty', 'json'],
    default: 'pretty',
    productionDefault: 'json',
    description: 'pretty for people, json for collectors (production: json)',
  }),
  METRICS_ENABLED: Type.Boolean({ default: true, description: 'false: the metrics route is 404' }),
  HEALTH_CHECK_ENABLED: Type.Boolean({
    default: true,
    description: 'false: the full health is 404, the probes stay',
  }),
  API_KEYS: Type.String({
    default: DEVELOPMENT_API_KEYS,
    minLength: 1,
    secret: true,
    description: 'Keys that services may call with, `name=key` or bare keys, comma separated',
  }),
  DATABASE_URL: Type.Optional(
    Type.String({
      pattern: '^postgres(ql)?://',
      secret: true,
      description: 'PostgreSQL; unset: an embedded SQLite file in POTOK_DATA_DIR',
    }),
  ),
  DATABASE_POOL_SIZE: Type.Integer({
    minimum: 1,
    maximum: 200,
    default: 10,
    description: 'PostgreSQL connections of one process',
  }),
  DATABASE_MIGRATION_TIMEOUT_MS: Type.Integer({
    minimum: 1000,
    maximum: 86_400_000,
    default: 600_000,
    description: 'Longest that the migrations of one start may take, ms',
  }),
  POTOK_DATA_DIR: Type.String({
    default: './data',
    description: 'Directory of the embedded database files, one process a file',
  }),
  BODY_LIMIT: Type.Integer({
    minimum: 1024,
    default: 1_048_576,
    description: 'Largest request body, bytes',
  }),
  TRUSTED_PROXIES: Type.Optional(
    Type.String({
      description: 'CIDRs of proxies whose X-Forwarded-* are believed, comma separated',
    }),
  ),
  SHUTDOWN_DELAY_MS: Type.Integer({
    minimum: 0,
    maximum: 120_000,
    default: 0,
    description: 'How long readiness is 503 before the process stops accepting (images: 5000)',
  }),
  SHUTDOWN_TIMEOUT_MS: Type.Integer({
    minimum: 100,
    maximum: 300_000,
    default: 10_000,
    description: 'How long a shutdown may take before the process exits with an error',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(
    Type.String({
      pattern: '^https?://[^?#]+$',
      description:
        'Base URL of an OpenTelemetry collector that takes traces over OTLP/HTTP, such as http://otel-collector:4318; unset: no tracing',
    }),
  ),
  OTEL_EXPORTER_OTLP_HEADERS: Type.Optional(
    Type.String({
      // A token of RFC 9110, then what W3C Baggage takes as a value.
      pattern: "^ *[\\w!#$%&'*+.^`|~-]+=[^,]*(?:, *[\\w!#$%&'*+.^`|~-]+=[^,]*)*$",
      secret: true,
      description:
        'Headers for the collector, `name=value`, comma separated, values percent-encoded',
    }),
  ),
  OTEL_EXPORTER_OTLP_TIMEOUT: Type.Integer({
    minimum: 100,
    maximum: 60_000,
    default: 3000,
    description:
      'How long one export of traces may take, and the last one when the process ends, ms',
  }),
  OTEL_BSP_MAX_QUEUE_SIZE: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 2048,
    description: 'Spans that wait for the collector; those after them are lost',
  }),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 1,
    description:
      'Part of the traces begun here that is recorded, 0 to 1; whoever sends traceparent has decided it',
  }),
}

const Base = Type.Object({
  ...baseConfig,
  PORT: Type.Integer({ minimum: 0, maximum: 65_535 }),
  APP_NAME: Type.String(),
})
/** The settings that core's plugins are built from. */
export type BaseConfig = Readonly<Static<typeof Base>>

/** Per-key limit of a service behind the gateway; 0 is off. */
export const serviceThrottle = {
  THROTTLE_LIMIT: Type.Integer({
    minimum: 0,
    maximum: 1_000_000,
    default: 0,
    description: 'Requests that one API key may make per THROTTLE_TTL; 0: no limit',
  }),
  THROTTLE_TTL: Type.Integer({
    minimum: 1,
    maximum: 86_400,
    default: 60,
    description: 'Window of the rate limit, seconds',
  }),
}

const port = (what: string) =>
  Type.Integer({ minimum: 1, maximum: 65_535, default: 6379, description: `Port of ${what}` })
const host = (what: string) =>
  Type.Optional(Type.String({ description: `Host of ${what}; unset: none` }))
const password = (what: string) =>
  Type.Optional(Type.String({ secret: true, description: `Password of ${what}` }))
const db = (what: string, number: number) =>
  Type.Integer({
    minimum: 0,
    maximum: 63,
    default: number,
    description: `Database number of ${what}`,
  })

/** Pieces of the settings of one Redis; the variable names differ by process. */
export const redisSetting = { host, port, password, db }

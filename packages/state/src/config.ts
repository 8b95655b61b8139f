import { Type, type Static } from '@sinclair/typebox'
import { baseConfig, redisSetting, serviceThrottle } from '@potok/core/config/schemas'
import { TTL_RULES } from './cache/schemas.ts'
import { SERVICES } from './discovery/schemas.ts'

const milliseconds = (value: number, description: string, minimum = 0) =>
  Type.Integer({ minimum, maximum: 86_400_000, default: value, description })
const days = (value: number, description: string) =>
  Type.Integer({ minimum: 1, maximum: 36_500, default: value, description })

/** Everything the state process reads from its environment. */
export const Config = Type.Object({
  ...baseConfig,
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 3002,
    description: 'Port to listen on',
  }),
  APP_NAME: Type.String({
    minLength: 1,
    default: 'potok-state-management-service',
    description: 'Name of the process in logs',
  }),
  ...serviceThrottle,
  EXTERNAL_DB_URL: Type.Optional(
    Type.String({ pattern: '^https?://', description: 'External DB service (admin); unset: none' }),
  ),
  EXTERNAL_DB_API_KEY: Type.String({
    default: 'state-service-key',
    secret: true,
    developmentOnly: ['state-service-key'],
    description: 'Key that the external DB service accepts from us',
  }),
  DB_CONNECTION_TIMEOUT: milliseconds(30_000, 'Longest wait for the external DB service, ms', 100),
  DB_RETRY_ATTEMPTS: Type.Integer({
    minimum: 1,
    maximum: 20,
    default: 3,
    description: 'Attempts of one round; the durable queue itself never gives up',
  }),
  DISCOVERY_SERVICES: Type.Optional(
    Type.String({
      pattern: SERVICES,
      description:
        'Other services, beside the external DB, that `GET /api/v1/services` tells of: `name=http://host:port` or `name=srv:<SRV record>`, comma separated',
    }),
  ),
  DISCOVERY_INTERVAL_MS: milliseconds(
    10_000,
    'How often names are resolved anew and services are asked how they do',
    100,
  ),
  REDIS_LOCAL_HOST: redisSetting.host('the local cache'),
  REDIS_LOCAL_PORT: redisSetting.port('the local cache'),
  REDIS_LOCAL_DB: redisSetting.db('the local cache', 0),
  REDIS_LOCAL_PASSWORD: redisSetting.password('the local cache'),
  REDIS_GLOBAL_ENABLED: Type.Boolean({ default: false, description: 'Use the global cache' }),
  REDIS_GLOBAL_HOST: redisSetting.host('the global cache'),
  REDIS_GLOBAL_PORT: redisSetting.port('the global cache'),
  REDIS_GLOBAL_DB: redisSetting.db('the global cache', 1),
  REDIS_GLOBAL_PASSWORD: redisSetting.password('the global cache'),
  CACHE_TTL: Type.Optional(
    Type.String({
      pattern: TTL_RULES,
      description:
        'Seconds that cache keys live, `pattern=seconds`, comma separated, the longest pattern that fits decides, 0 is not cached; such as `state:user:*=30,state:task:vip-*=0`; unset: `state:*=300,state:list:*=60`',
    }),
  ),
  CACHE_DEGRADED_TTL: Type.Integer({
    minimum: 1,
    maximum: 3600,
    default: 5,
    description: 'Seconds that a process keeps a state while the global cache is away',
  }),
  CACHE_MAX_ENTRIES: Type.Integer({
    minimum: 16,
    maximum: 10_000_000,
    default: 50_000,
    description: 'Keys that a process keeps in its memory',
  }),
  CACHE_MAX_BYTES: Type.Integer({
    minimum: 1_048_576,
    maximum: 8_589_934_592,
    default: 67_108_864,
    description: 'Memory of a process for cached states and lists, about',
  }),
  WEBHOOK_DELIVERY_TIMEOUT: milliseconds(30_000, 'Longest an attempt may take, ms', 100),
  WEBHOOK_MAX_RETRIES: Type.Integer({
    minimum: 0,
    maximum: 50,
    default: 3,
    description: 'Retries after the first attempt',
  }),
  WEBHOOK_RETRY_DELAY: milliseconds(
    5000,
    'Wait before the first retry, doubled for each further one, ms',
    1,
  ),
  WEBHOOK_SECRET_KEY: Type.Optional(
    Type.String({
      minLength: 8,
      maxLength: 256,
      secret: true,
      developmentOnly: ['your-webhook-secret'],
      description: 'Signs subscriptions created without a secret; unset: one is made for each',
    }),
  ),
  WEBHOOK_FAILURE_SPACING_MS: Type.Optional(
    milliseconds(
      5000,
      'Failures closer together count once; unset: WEBHOOK_RETRY_DELAY; 0: all count',
    ),
  ),
  WEBHOOK_MAX_FAILURES: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 10,
    description: 'Failed attempts in a row that deactivate a subscription',
  }),
  WEBHOOK_ALLOWED_TARGETS: Type.Optional(
    Type.String({
      description:
        'Origins or CIDRs that deliveries may reach although they are not public; unset in development: loopback',
    }),
  ),
  WEBHOOK_CONCURRENCY: Type.Integer({
    minimum: 1,
    maximum: 2000,
    default: 256,
    description: 'Deliveries of one process under way at once',
  }),
  EVENT_RETENTION_DAYS: days(30, 'How long the event log is kept'),
  DELIVERY_RETENTION_DAYS: days(30, 'How long finished, dead and held deliveries are kept'),
  IDEMPOTENCY_RETENTION_HOURS: Type.Integer({
    minimum: 1,
    maximum: 720,
    default: 24,
    description: 'How long an Idempotency-Key is remembered',
  }),
  STREAM_MAX_CLIENTS: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 256,
    description: 'Readers of the event stream at once',
  }),
  METADATA_LIMIT: Type.Integer({
    minimum: 1024,
    maximum: 16_777_216,
    default: 262_144,
    description: 'Largest metadata of one state, bytes of JSON',
  }),
  EXPIRY_SWEEP_MS: milliseconds(1000, 'How often statuses are looked at that may expire', 10),
  QUERY_TIMEOUT_MS: milliseconds(
    2000,
    'Longest a query may run before it is refused as too expensive',
    50,
  ),
})
export type Config = Readonly<Static<typeof Config>>

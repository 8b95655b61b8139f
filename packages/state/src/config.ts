import { Type, type Static } from '@sinclair/typebox'
import { baseConfig, redisSetting, serviceThrottle } from '@potok/core/config/schemas'
import { TTL_RULES } from './cache/schemas.ts'
import { SERVICES } from './discovery/schemas.ts'

const milliseconds = (value: number, description: string, minimum = 0) =>
  Type.Integer({ minimum, maximum: 86_400_000, default: value, description })
const count = (value: number, maximum: number, description: string) =>
  Type.Integer({ minimum: 1, maximum, default: value, description })
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
  WEBHOOK_MAX_IN_FLIGHT: count(
    8,
    1000,
    'Deliveries of one subscription under way at once, when it says nothing else',
  ),
  WEBHOOK_MAX_SUBSCRIPTIONS: count(1000, 100_000, 'Subscriptions; one more is refused'),
  WEBHOOK_CONNECT_TIMEOUT: milliseconds(10_000, 'Longest wait for a connection, ms', 100),
  WEBHOOK_PING_TIMEOUT: milliseconds(8000, 'Longest a test delivery may take, ms', 100),
  WEBHOOK_RESPONSE_LIMIT: Type.Integer({
    minimum: 4096,
    maximum: 16_777_216,
    default: 65_536,
    description: 'Bytes of a response that are read before its connection is given up',
  }),
  WEBHOOK_BODY_CACHE: Type.Integer({
    minimum: 0,
    maximum: 1_073_741_824,
    default: 16_777_216,
    description:
      'Bytes of events that are kept in memory for their deliveries; others are read from the store',
  }),
  WEBHOOK_BREAKER_FAILURES: count(
    3,
    1000,
    'Failures in a row after which an endpoint gets one delivery at a time, until one succeeds',
  ),
  WEBHOOK_RAMP_MS: milliseconds(
    30_000,
    'How long a re-activated subscription takes to get to its full pace',
  ),
  WEBHOOK_POLL_MS: milliseconds(
    250,
    'How often the store is asked for deliveries, behind the wake-ups',
    10,
  ),
  WEBHOOK_GATHER_MS: Type.Integer({
    minimum: 0,
    maximum: 1000,
    default: 4,
    description: 'Outcomes that come within this are stored together, ms',
  }),
  WEBHOOK_DIRECT: Type.Integer({
    minimum: 0,
    maximum: 1_000_000,
    default: 16_384,
    description:
      'Embedded store: deliveries that go out of memory right after their commit, at most; an eighth of them for one subscription. The rest waits in the queue. 0, or fewer than 4 of WEBHOOK_CONCURRENCY: all do',
  }),
  WEBHOOK_CLAIM_SUBSCRIPTIONS: count(
    64,
    10_000,
    'Subscriptions with room that deliveries are taken up for in one transaction',
  ),
  WEBHOOK_CLAIM_PASSES: count(
    2048,
    100_000,
    'Subscriptions, held ones included, that one transaction passes to find those',
  ),
  EVENT_RETENTION_DAYS: days(
    30,
    'How long the event log is kept; longer what a delivery still waits to send',
  ),
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
  STREAM_HEARTBEAT_MS: milliseconds(
    15_000,
    'How often a reader of the event stream hears that it is still there',
    100,
  ),
  STREAM_STALL_MS: milliseconds(
    30_000,
    'A reader of the event stream that takes nothing for so long is cut off',
    100,
  ),
  EVENT_POLL_MS: milliseconds(
    500,
    'How often the store is asked for events that other replicas wrote, behind their signals',
    10,
  ),
  RETENTION_SWEEP_MS: milliseconds(
    60_000,
    'How often events and deliveries past their retention are removed',
    1000,
  ),
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

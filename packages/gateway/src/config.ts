import { Type, type Static } from '@sinclair/typebox'
import { baseConfig, redisSetting } from '@potok/core/config/schemas'
import { DURATION_PATTERN } from '@potok/core/lib/duration'

const url = (description: string, options: { default?: string } = {}) =>
  Type.String({ pattern: '^https?://', description, ...options })
const duration = (value: string, description: string) =>
  Type.String({ pattern: DURATION_PATTERN, default: value, description })
const count = (value: number, maximum: number, description: string) =>
  Type.Integer({ minimum: 1, maximum, default: value, description })

/** Everything the gateway process reads from its environment. */
export const Config = Type.Object({
  ...baseConfig,
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 3001,
    description: 'Port to listen on',
  }),
  APP_NAME: Type.String({
    minLength: 1,
    default: 'potok-gateway-service',
    description: 'Name of the process in logs',
  }),
  JWT_SECRET: Type.String({
    minLength: 16,
    default: 'your-super-secret-jwt-key-change-in-production',
    secret: true,
    description: 'Signs access tokens; `current,previous` while rotating',
  }),
  JWT_EXPIRATION: duration('24h', 'How long an access token is good'),
  JWT_REFRESH_SECRET: Type.String({
    minLength: 16,
    default: 'your-super-secret-refresh-key-change-in-production',
    secret: true,
    description: 'Signs refresh tokens; `current,previous` while rotating',
  }),
  JWT_REFRESH_EXPIRATION: duration('7d', 'How long a session can be continued'),
  ACCESS_POLL_MS: count(
    1000,
    60_000,
    'How often the admin service is asked whose roles or password changed, ms',
  ),
  ADMIN_SERVICE_URL: url('Where the admin service is', { default: 'http://localhost:3000' }),
  ADMIN_SERVICE_API_KEY: Type.String({
    default: 'gateway-service-key',
    secret: true,
    description: 'Our key at the admin service',
  }),
  STATE_SERVICE_URL: url('Where the state service is', { default: 'http://localhost:3002' }),
  STATE_SERVICE_API_KEY: Type.Optional(
    Type.String({
      secret: true,
      description: 'Our key at the state service; unset: ADMIN_SERVICE_API_KEY',
    }),
  ),
  TASK_SERVICE_URL: Type.Optional(url('Where the task service is; unset: there is none')),
  TASK_SERVICE_API_KEY: Type.Optional(
    Type.String({
      secret: true,
      description: 'Our key at the task service; unset: ADMIN_SERVICE_API_KEY',
    }),
  ),
  REDIS_HOST: redisSetting.host('Redis'),
  REDIS_PORT: redisSetting.port('Redis'),
  REDIS_PASSWORD: redisSetting.password('Redis'),
  REDIS_DB: redisSetting.db('Redis', 0),
  REDIS_KEY_PREFIX: Type.String({
    default: 'potok:',
    description: 'Before every key of ours in Redis',
  }),
  CIRCUIT_BREAKER_FAILURE_THRESHOLD: count(5, 1000, 'Failed attempts in a row that open a circuit'),
  CIRCUIT_BREAKER_SUCCESS_THRESHOLD: count(
    2,
    100,
    'Successful probes that close a half-open circuit',
  ),
  CIRCUIT_BREAKER_TIMEOUT: count(
    60_000,
    3_600_000,
    'How long a circuit stays open before a probe, ms',
  ),
  UPSTREAM_TIMEOUT_MS: count(10_000, 600_000, 'Total deadline of a proxied request, ms'),
  THROTTLE_TTL: count(60, 86_400, 'Window of the rate limit, seconds'),
  THROTTLE_LIMIT: count(100, 1_000_000, 'Requests per window and client IP'),
  DOCS_TTL: count(
    30,
    86_400,
    'How long the API document of a service is taken as current in ours, seconds',
  ),
  OVERLOAD_DELAY_MS: Type.Integer({
    minimum: 0,
    maximum: 60_000,
    default: 1000,
    description:
      'Mean delay of the event loop from which on requests are refused, health and auth excepted, ms; 0: never',
  }),
  RESPONSE_CACHE_TTL: Type.Integer({
    minimum: 0,
    maximum: 3600,
    default: 30,
    description:
      'How long answers about machines and analytics are kept at most, seconds; 0: never',
  }),
  RESPONSE_CACHE_STATES: Type.Boolean({
    default: false,
    description:
      'Keep answers about states too, each for one person, until the event log tells of a change',
  }),
  RESPONSE_CACHE_MAX_BYTES: count(
    33_554_432,
    4_294_967_296,
    'Memory of the process for kept answers, bytes',
  ),
  CORS_ORIGINS: Type.Optional(
    Type.String({
      description: 'Origins that browsers may call from, beside the built-in ones, comma separated',
    }),
  ),
  MAX_BOT_TOKEN: Type.Optional(
    Type.String({
      secret: true,
      description: 'Token of the bot on the MAX platform; unset: no bot',
    }),
  ),
  MAX_API_BASE_URL: url('The MAX Bot API', { default: 'https://platform-api2.max.ru' }),
  MAX_BOT_MODE: Type.Optional(
    Type.Unsafe<'webhook' | 'polling' | 'off'>({
      type: 'string',
      enum: ['webhook', 'polling', 'off'],
      description:
        'How updates arrive; unset: webhook with MAX_BOT_WEBHOOK_URL, polling without, off without token',
    }),
  ),
  MAX_BOT_WEBHOOK_URL: Type.Optional(
    url('Whole URL that the platform calls: https://<host>/api/v1/bot/webhook'),
  ),
  MAX_BOT_WEBHOOK_SECRET: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_-]{5,256}$',
      secret: true,
      description: 'What the platform sends back in X-Max-Bot-Api-Secret; required in webhook mode',
    }),
  ),
  GATEWAY_INTERNAL_URL: Type.Optional(
    url('Where the state service reaches this gateway; unset: http://127.0.0.1:<PORT>'),
  ),
  WS_TRANSPORTS: Type.String({
    pattern: '^(websocket|polling)(,(websocket|polling))?$',
    default: 'websocket',
    description: 'Transports of the socket server, comma separated',
  }),
  WS_EVENTS_PER_SECOND: count(20, 10_000, 'Events a second that one socket may send'),
  WS_MESSAGES_PER_SECOND: count(10, 1000, 'Room messages a second that one socket may send'),
  WS_CHANNELS_PER_SOCKET: count(100, 10_000, 'Channels that one socket may follow'),
  WS_PAYLOAD_LIMIT: count(65_536, 1_048_576, 'Largest packet of a client, bytes'),
  WS_QUEUE_LIMIT: count(
    2_097_152,
    134_217_728,
    'Bytes that may wait for one client; one that does not read them is cut off',
  ),
  WS_CONNECTIONS_PER_IP: count(500, 1_000_000, 'Socket connections of one client IP to a replica'),
  WS_CONNECTIONS_PER_USER: count(50, 100_000, 'Sockets of one person at a replica'),
  WS_CONNECTIONS: count(20_000, 1_000_000, 'Socket connections of a replica'),
  WS_PACKETS_PER_SECOND: count(
    200,
    100_000,
    'Packets a second of one connection, events or not; ten times as many at once',
  ),
  WS_REFUSALS: count(
    50,
    10_000,
    'Refused events after which a socket is closed; one is forgiven every second',
  ),
  WS_REPLAY_LIMIT: count(
    1000,
    10_000,
    'Missed events of the log that a socket is told when it resumes; after more it must load anew',
  ),
  WS_AUTHENTICATE_TIMEOUT_MS: count(
    10_000,
    300_000,
    'How long a connection may stay without a handshake and without a token, ms',
  ),
  NOTIFICATION_UNSEEN_LIMIT: count(
    100,
    1000,
    'Unseen notifications that a person is told on connecting, the newest',
  ),
  NOTIFICATION_RETENTION_DAYS: count(30, 3650, 'How long notifications are kept, seen or not'),
})
export type Config = Readonly<Static<typeof Config>>

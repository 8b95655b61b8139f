import { Type, type Static } from '@sinclair/typebox'
import { baseConfig, serviceThrottle } from '@potok/core/config/schemas'

/** Everything the admin process reads from its environment. */
export const Config = Type.Object({
  ...baseConfig,
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 3000,
    description: 'Port to listen on',
  }),
  APP_NAME: Type.String({
    minLength: 1,
    default: 'potok-admin-service',
    description: 'Name of the process in logs',
  }),
  ...serviceThrottle,
  ADMIN_USERNAME: Type.String({
    pattern: '^[a-z0-9][a-z0-9._-]{0,63}$',
    default: 'user',
    developmentOnly: ['user'],
    description: 'The person that a first start makes, role admin',
  }),
  ADMIN_PASSWORD: Type.String({
    minLength: 8,
    maxLength: 256,
    default: 'password',
    secret: true,
    description: 'Password of that person',
  }),
  PASSWORD_HASH_CONCURRENCY: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 2,
    description:
      'Passwords hashed at once, each on a thread of its own (Node has UV_THREADPOOL_SIZE = 4) with 19 MiB',
  }),
  PASSWORD_HASH_QUEUE: Type.Integer({
    minimum: 0,
    maximum: 10_000,
    default: 100,
    description: 'Passwords that may wait to be hashed; above, 503 with Retry-After',
  }),
  DOCUMENT_TOMBSTONE_DAYS: Type.Integer({
    minimum: 1,
    maximum: 3650,
    default: 30,
    description: 'How long a deleted document keeps late writes of older versions away, days',
  }),
  ACCESS_CHANGE_RETENTION_DAYS: Type.Integer({
    minimum: 1,
    maximum: 3650,
    default: 90,
    description:
      'How long it is remembered that somebody got other roles or another password, days; a gateway that was away for longer keeps sessions from before',
  }),
})
export type Config = Readonly<Static<typeof Config>>

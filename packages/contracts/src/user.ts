import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from './closed-set.ts'
import { EntityId, Timestamp } from './identifiers.ts'

export const ROLES = ['member', 'manager', 'admin'] as const
export const Role = closedSet(ROLES)
export type Role = Static<typeof Role>

export const Username = Type.String({
  pattern: '^[a-z0-9][a-z0-9._-]{0,63}$',
  description: 'Lower case; unique',
  examples: ['user'],
})
const DisplayName = Type.String({ minLength: 1, maxLength: 128, examples: ['Иван Петров'] })
const Roles = Type.Array(Role, {
  minItems: 1,
  maxItems: 3,
  uniqueItems: true,
  examples: [['member']],
})
const Skills = Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
  maxItems: 64,
  uniqueItems: true,
  examples: [['дизайн']],
})
const Capacity = Type.Integer({
  minimum: 0,
  maximum: 1000,
  description: 'How many tasks at once',
  examples: [5],
})
export const MaxUserId = Type.Integer({
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'user_id on the MAX platform; unique',
  examples: [5_001_002],
})
const TimeZone = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'IANA name',
  examples: ['Europe/Moscow'],
})
export const Password = Type.String({ minLength: 8, maxLength: 256 })

/** A person. Credentials never leave the admin service. */
export const User = Type.Object(
  {
    id: EntityId,
    username: Username,
    displayName: DisplayName,
    roles: Roles,
    skills: Skills,
    capacity: Capacity,
    maxUserId: Type.Optional(MaxUserId),
    timeZone: TimeZone,
    active: Type.Boolean(),
    version: Type.Integer({ minimum: 1 }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  },
  { title: 'User' },
)
export type User = Static<typeof User>

/**
 * Body of `POST /users`. A person without a password can be reached by the bot but cannot log in.
 * Left out: role member, no skills, capacity 5, Europe/Moscow.
 */
export const UserCreate = Type.Object(
  {
    username: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
      description: 'Stored in lower case; unique whatever the case',
      examples: ['ivan.petrov'],
    }),
    displayName: DisplayName,
    password: Type.Optional(Password),
    roles: Type.Optional(Roles),
    skills: Type.Optional(Skills),
    capacity: Type.Optional(Capacity),
    maxUserId: Type.Optional(MaxUserId),
    timeZone: Type.Optional(TimeZone),
  },
  {
    additionalProperties: false,
    title: 'UserCreate',
    examples: [
      {
        username: 'ivan.petrov',
        displayName: 'Иван Петров',
        password: 'correct horse battery',
        roles: ['member'],
        skills: ['дизайн', 'тексты'],
        capacity: 5,
        maxUserId: 5_001_002,
        timeZone: 'Europe/Moscow',
      },
    ],
  },
)
export type UserCreate = Static<typeof UserCreate>

/** Body of `PATCH /users/:id`. `maxUserId: null` unlinks. */
export const UserChange = Type.Object(
  {
    displayName: Type.Optional(DisplayName),
    password: Type.Optional(Password),
    roles: Type.Optional(Roles),
    skills: Type.Optional(Skills),
    capacity: Type.Optional(Capacity),
    maxUserId: Type.Optional(Type.Union([MaxUserId, Type.Null()])),
    timeZone: Type.Optional(TimeZone),
    active: Type.Optional(Type.Boolean()),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    title: 'UserChange',
    examples: [{ skills: ['дизайн', 'монтаж'], capacity: 7 }],
  },
)
export type UserChange = Static<typeof UserChange>

/** Since when what a person was given before – sessions, tokens – must not work any more. */
export const AccessChange = Type.Object(
  {
    userId: EntityId,
    version: Type.Integer({
      minimum: 1,
      description: 'Version of the person since; whatever was given to an earlier one is over',
    }),
    changedAt: Timestamp,
  },
  { title: 'AccessChange' },
)

/** Answer of `GET /users/access-changes`. Without `nextCursor` there is no more. */
export const AccessChangePage = Type.Object(
  {
    items: Type.Array(AccessChange),
    asOf: Type.String({ format: 'date-time', description: 'Time of the store at this reading' }),
    nextCursor: Type.Optional(Type.String()),
  },
  { title: 'AccessChangePage' },
)
export type AccessChangePage = Static<typeof AccessChangePage>

/** Body of `POST /users/verify` and of the gateway's login. */
export const Credentials = Type.Object(
  {
    username: Type.String({ minLength: 1, maxLength: 64, examples: ['user'] }),
    password: Type.String({ minLength: 1, maxLength: 256, examples: ['password'] }),
  },
  {
    additionalProperties: false,
    title: 'Credentials',
    examples: [{ username: 'user', password: 'password' }],
  },
)
export type Credentials = Static<typeof Credentials>

/** Body of `POST /users/:id/password`. */
export const PasswordChange = Type.Object(
  {
    currentPassword: Type.String({ minLength: 1, maxLength: 256 }),
    newPassword: Password,
  },
  {
    additionalProperties: false,
    title: 'PasswordChange',
    examples: [{ currentPassword: 'correct horse battery', newPassword: 'battery staple correct' }],
  },
)
export type PasswordChange = Static<typeof PasswordChange>

const TimeOfDay = Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', examples: ['22:00'] })

/** What a person chose; members left out have the defaults named here. */
export const UserSettings = Type.Object(
  {
    notifications: Type.Optional(
      Type.Boolean({ default: true, description: 'May the bot write first?' }),
    ),
    quietHours: Type.Optional(
      Type.Object(
        { from: TimeOfDay, to: TimeOfDay },
        {
          additionalProperties: false,
          description:
            'No notifications from `from` to `to` in the time zone of the person, over midnight when `to` is the earlier; left out: never quiet',
        },
      ),
    ),
    language: Type.Optional(closedSet(['ru', 'en'], { default: 'ru' })),
  },
  {
    additionalProperties: false,
    title: 'UserSettings',
    examples: [{ notifications: true, quietHours: { from: '22:00', to: '08:00' }, language: 'ru' }],
  },
)
export type UserSettings = Static<typeof UserSettings>

import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from './closed-set.ts'
import { EntityId, Timestamp } from './identifiers.ts'

export const ROLES = ['member', 'manager', 'admin'] as const
export const Role = closedSet(ROLES)
export type Role = Static<typeof Role>

const Username = Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,63}$', examples: ['user'] })
const DisplayName = Type.String({ minLength: 1, maxLength: 128 })
const Roles = Type.Array(Role, { minItems: 1, maxItems: 3, uniqueItems: true })
const Skills = Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
  maxItems: 64,
  uniqueItems: true,
})
const Capacity = Type.Integer({ minimum: 0, maximum: 1000, description: 'How many tasks at once' })
const MaxUserId = Type.Integer({ minimum: 1, description: 'user_id on the MAX platform' })
const TimeZone = Type.String({ minLength: 1, maxLength: 64, examples: ['Europe/Moscow'] })
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

/** Body of `POST /users`. A person without a password can be reached by the bot but cannot log in. */
export const UserCreate = Type.Object(
  {
    username: Username,
    displayName: DisplayName,
    password: Type.Optional(Password),
    roles: Type.Optional(Roles),
    skills: Type.Optional(Skills),
    capacity: Type.Optional(Capacity),
    maxUserId: Type.Optional(MaxUserId),
    timeZone: Type.Optional(TimeZone),
  },
  { additionalProperties: false },
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
  { additionalProperties: false, minProperties: 1 },
)
export type UserChange = Static<typeof UserChange>

/** Body of `POST /users/verify` and of the gateway's login. */
export const Credentials = Type.Object(
  {
    username: Type.String({ minLength: 1, maxLength: 64, examples: ['user'] }),
    password: Type.String({ minLength: 1, maxLength: 256, examples: ['password'] }),
  },
  { additionalProperties: false },
)
export type Credentials = Static<typeof Credentials>

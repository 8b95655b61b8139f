/** Pieces that several shapes of the Bot API are made of. */
import { Type, type SchemaOptions, type TSchema } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'

/** May be left out, and may be null. */
export const nullable = (schema: TSchema) =>
  Type.Optional(Type.Unsafe<unknown>({ anyOf: [schema, { type: 'null' }] }))

/** One of several objects; the property `on` of each is a literal and says which. */
export const variants = (on: string, schemas: readonly TSchema[], options: SchemaOptions = {}) =>
  Type.Unsafe<unknown>({
    ...options,
    type: 'object',
    discriminator: { propertyName: on },
    required: [on],
    oneOf: [...schemas],
  })

export const Id = Type.Integer()
/** Unix milliseconds. */
export const Time = Type.Integer()
export const Mid = Type.String({ minLength: 1 })

const user = {
  user_id: Id,
  first_name: Type.String(),
  last_name: nullable(Type.String()),
  username: nullable(Type.String()),
  is_bot: Type.Boolean(),
  last_activity_time: nullable(Time),
}
export const UserSchema = Type.Object(user, { $id: 'User' })
/** What many shapes hold is referred to by its name: the validator compiles it once. */
export const User = Type.Ref('User')

export const portrayed = {
  ...user,
  description: nullable(Type.String({ maxLength: 16_000 })),
  avatar_url: nullable(Type.String()),
  full_avatar_url: nullable(Type.String()),
}

export const Command = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 64 }),
  description: nullable(Type.String({ minLength: 1, maxLength: 128 })),
})
export const Commands = Type.Array(Command, { maxItems: 32 })

export const Permissions = Type.Array(
  closedSet([
    'read_all_messages',
    'add_remove_members',
    'add_admins',
    'change_chat_info',
    'pin_message',
    'edit_link',
    'write',
    'edit',
    'delete',
    'can_call',
    'view_stats',
  ]),
  { uniqueItems: true },
)

export const ChatType = closedSet(['dialog', 'chat', 'channel'])

/** What calls answer that change something; a failure comes with status 200 too. */
export const done = { success: Type.Boolean(), message: Type.Optional(Type.String()) }
export const Done = Type.Object(done)

/** The body of every status other than 200. */
export const Failure = Type.Object({
  code: Type.String(),
  message: Type.String(),
  error: Type.Optional(Type.String()),
})

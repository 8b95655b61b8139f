/**
 * Queries and bodies of the Bot API. A query is text: the validator does not convert (it would also turn a body's `5` into
 * "5"), so numbers are patterns here and parsed by the routes.
 */
import { Type } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'
import { BotCommand, Permission } from '../platform/schemas.ts'
import { UPLOAD_TYPES } from '../platform/uploads.ts'

const Int = Type.String({ pattern: '^-?\\d{1,16}$' })
const Count = Type.String({ pattern: '^\\d{1,16}$' })
const Flag = closedSet(['true', 'false'])
const Mid = Type.String({ minLength: 1, maxLength: 200 })

export const ChatPath = Type.Object({ chatId: Int })
export const AdminPath = Type.Object({ chatId: Int, userId: Count })
export const MessagePath = Type.Object({ messageId: Mid })
export const UploadPath = Type.Object({ id: Type.String({ maxLength: 64 }) })

export const SendQuery = Type.Object({
  user_id: Type.Optional(Count),
  chat_id: Type.Optional(Int),
  disable_link_preview: Type.Optional(Flag),
})
export const MessageQuery = Type.Object({ message_id: Mid })
export const AnswerQuery = Type.Object({
  callback_id: Type.String({ pattern: '^\\s*\\S[\\s\\S]*$', maxLength: 1024 }),
  disable_link_preview: Type.Optional(Flag),
})
export const MessagesQuery = Type.Object({
  chat_id: Type.Optional(Int),
  message_ids: Type.Optional(Type.String({ maxLength: 10_000 })),
  before: Type.Optional(Count),
  after: Type.Optional(Count),
  count: Type.Optional(Count),
})
export const UpdatesQuery = Type.Object({
  limit: Type.Optional(Count),
  timeout: Type.Optional(Count),
  marker: Type.Optional(Int),
  types: Type.Optional(Type.String({ maxLength: 2000 })),
})
export const UrlQuery = Type.Object({ url: Type.String({ minLength: 1, maxLength: 2048 }) })
export const UploadQuery = Type.Object({ type: closedSet(UPLOAD_TYPES) })
export const MembersQuery = Type.Object({
  user_ids: Type.Optional(Type.String({ maxLength: 2000 })),
  marker: Type.Optional(Count),
  count: Type.Optional(Count),
})
export const MemberQuery = Type.Object({ user_id: Count, block: Type.Optional(Flag) })

export const Commands = Type.Object({ commands: Type.Array(BotCommand, { maxItems: 32 }) })
export const Subscribe = Type.Object({
  url: Type.String({ minLength: 1, maxLength: 2048 }),
  secret: Type.Optional(Type.String()),
  update_types: Type.Optional(Type.Array(Type.String(), { uniqueItems: true, maxItems: 100 })),
})
export const Action = Type.Object({
  action: closedSet([
    'typing_on',
    'sending_photo',
    'sending_video',
    'sending_audio',
    'sending_file',
    'mark_seen',
  ]),
})
export const Pin = Type.Object({ message_id: Mid })
export const ChatPatch = Type.Object({
  title: Type.Optional(
    Type.Unsafe<string | null>({ type: ['string', 'null'], minLength: 1, maxLength: 200 }),
  ),
  description: Type.Optional(
    Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 16_000 }),
  ),
  icon: Type.Optional(
    Type.Unsafe<{ url?: string } | null>({
      type: ['object', 'null'],
      properties: { url: { type: 'string', minLength: 1 } },
    }),
  ),
  pin: Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'], minLength: 1 })),
})
export const UserIds = Type.Object({
  user_ids: Type.Array(Type.Integer(), { maxItems: 100 }),
})
export const Admins = Type.Object({
  admins: Type.Array(
    Type.Object({
      user_id: Type.Integer(),
      permissions: Type.Array(Permission, { uniqueItems: true }),
      alias: Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'] })),
    }),
    { maxItems: 100 },
  ),
})

/** A number of a query, which the pattern has checked. */
export function numberOf(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}

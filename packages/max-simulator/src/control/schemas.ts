/** The control API's own bodies. Unknown fields are refused: a misspelt switch must not look like a set one. */
import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'
import { Permission } from '../platform/schemas.ts'

const strict = { additionalProperties: false } as const
const Name = Type.String({ minLength: 1, maxLength: 100 })
const UserId = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
const Permissions = Type.Array(Permission, { uniqueItems: true })

export const PersonPath = Type.Object({ userId: Type.String({ pattern: '^\\d{1,16}$' }) })
export const GroupPath = Type.Object({ chatId: Type.String({ pattern: '^-?\\d{1,16}$' }) })
export const MemberPath = Type.Composite([GroupPath, PersonPath])
export const OwnMessagePath = Type.Composite([
  PersonPath,
  Type.Object({ mid: Type.String({ maxLength: 64 }) }),
])

export const NewPerson = Type.Object(
  {
    firstName: Name,
    lastName: Type.Optional(Name),
    username: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_]{1,64}$' })),
    locale: Type.Optional(Type.String({ minLength: 2, maxLength: 35 })),
    userId: Type.Optional(UserId),
  },
  strict,
)
export const Start = Type.Object(
  {
    payload: Type.Optional(
      Type.String({
        maxLength: 4096,
        description: 'Above 128 characters it is dropped, as by MAX',
      }),
    ),
  },
  strict,
)
export const Mute = Type.Object(
  { until: Type.Optional(Type.Integer({ minimum: 0, description: 'Unix ms; absent = unmute' })) },
  strict,
)

export const PersonAttachment = Type.Object(
  {
    type: closedSet(['image', 'video', 'audio', 'file', 'sticker', 'contact', 'share', 'location']),
    url: Type.Optional(Type.String({ minLength: 1, maxLength: 2048 })),
    filename: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    size: Type.Optional(Type.Integer({ minimum: 0 })),
    code: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    name: Type.Optional(Name),
    phone: Type.Optional(Type.String({ pattern: '^\\+?\\d{5,15}$' })),
    latitude: Type.Optional(Type.Number({ minimum: -90, maximum: 90 })),
    longitude: Type.Optional(Type.Number({ minimum: -180, maximum: 180 })),
  },
  strict,
)
export type PersonAttachment = Static<typeof PersonAttachment>

export const Write = Type.Object(
  {
    text: Type.Optional(Type.String({ description: '1 to 4000 characters' })),
    chatId: Type.Optional(Type.Integer({ description: 'Absent = the dialog with the bot' })),
    attachments: Type.Optional(Type.Array(PersonAttachment, { maxItems: 12 })),
    emptyText: Type.Optional(
      closedSet(['absent', 'empty', 'null'], { description: 'How a missing text is said' }),
    ),
    replyTo: Type.Optional(Type.String({ maxLength: 64 })),
  },
  strict,
)
export const EditText = Type.Object({ text: Type.String() }, strict)
export const PressBody = Type.Object(
  {
    mid: Type.Optional(
      Type.String({ maxLength: 64, description: 'Absent = the newest message with such a button' }),
    ),
    payload: Type.Optional(Type.String({ maxLength: 1024 })),
    text: Type.Optional(Type.String({ maxLength: 128 })),
    chatId: Type.Optional(Type.Integer()),
  },
  { ...strict, minProperties: 1 },
)

export const NewGroup = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 200 }),
    type: Type.Optional(closedSet(['chat', 'channel'])),
    ownerId: UserId,
    memberIds: Type.Optional(Type.Array(UserId, { maxItems: 100 })),
  },
  strict,
)
export const Rename = Type.Object(
  { title: Type.String({ minLength: 1, maxLength: 200 }), userId: Type.Optional(UserId) },
  strict,
)
export const NewMember = Type.Object({ userId: UserId, inviterId: Type.Optional(UserId) }, strict)
export const BotMember = Type.Object(
  {
    permissions: Type.Optional(Permissions),
    userId: Type.Optional(UserId),
  },
  strict,
)
export const BotPermissions = Type.Object(
  { permissions: Permissions, userId: Type.Optional(UserId) },
  strict,
)
export const ByUser = Type.Object(
  { userId: Type.Optional(Type.String({ pattern: '^\\d{1,16}$' })) },
  strict,
)

export const Limit = Type.Object(
  { limit: Type.Optional(Type.String({ pattern: '^\\d{1,5}$' })) },
  strict,
)
export const RequestsQuery = Type.Object(
  { path: Type.Optional(Type.String()), method: Type.Optional(Type.String()) },
  strict,
)
export const Switches = Type.Object({ rateLimits: Type.Boolean() }, strict)
export const Reset = Type.Object(
  {
    subscriptions: Type.Optional(
      Type.Boolean({ description: 'true: also forget the webhook subscriptions' }),
    ),
  },
  strict,
)
/** Any update, also one that MAX does not know: to see what a bot makes of it. */
export const RawUpdate = Type.Object({
  update_type: Type.String({ minLength: 1, maxLength: 100 }),
  timestamp: Type.Optional(Type.Integer()),
  chat_id: Type.Optional(Type.Integer()),
})

/**
 * What a bot may send. Loose where the platform is loose (unknown fields are ignored), with the field types checked; the
 * rules across fields are in `attachments.ts`, `keyboard.ts` and `sending.ts`, with the platform's own messages.
 */
import { Type, type Static, type TSchema } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'

/** The platform takes null wherever a field may be absent. */
const Nullable = <T extends TSchema>(schema: T) =>
  Type.Optional(Type.Unsafe<Static<T> | null>({ anyOf: [schema, { type: 'null' }] }))

const PERMISSIONS = [
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
] as const
export const Permission = closedSet(PERMISSIONS)
export type Permission = Static<typeof Permission>

const UserId = Type.Integer()

export const ButtonRequest = Type.Object({
  type: closedSet([
    'callback',
    'link',
    'clipboard',
    'message',
    'request_contact',
    'request_geo_location',
    'open_app',
  ]),
  text: Type.String({ minLength: 1, maxLength: 128 }),
  payload: Nullable(Type.String()),
  url: Nullable(Type.String()),
  quick: Nullable(Type.Boolean()),
  web_app: Nullable(Type.String()),
  contact_id: Nullable(UserId),
})
export type ButtonRequest = Static<typeof ButtonRequest>

const AttachmentPayload = Type.Object({
  token: Nullable(Type.String()),
  url: Nullable(Type.String()),
  photos: Nullable(Type.Record(Type.String(), Type.Object({ token: Type.String() }))),
  buttons: Nullable(Type.Array(Type.Array(ButtonRequest))),
  name: Nullable(Type.String()),
  contact_id: Nullable(UserId),
  vcf_info: Nullable(Type.String()),
  vcf_phone: Nullable(Type.String()),
  code: Nullable(Type.String()),
})

export const AttachmentRequest = Type.Object({
  type: closedSet([
    'image',
    'video',
    'audio',
    'file',
    'sticker',
    'contact',
    'inline_keyboard',
    'share',
    'location',
  ]),
  payload: Nullable(AttachmentPayload),
  latitude: Nullable(Type.Number()),
  longitude: Nullable(Type.Number()),
})
export type AttachmentRequest = Static<typeof AttachmentRequest>

export const NewMessageBody = Type.Object({
  text: Nullable(Type.String()),
  attachments: Nullable(Type.Array(AttachmentRequest)),
  link: Nullable(Type.Object({ type: closedSet(['reply', 'forward']), mid: Type.String() })),
  notify: Nullable(Type.Boolean()),
  format: Nullable(closedSet(['markdown', 'html'])),
})
export type NewMessageBody = Static<typeof NewMessageBody>

export const CallbackAnswer = Type.Object({
  message: Nullable(NewMessageBody),
  notification: Nullable(Type.String()),
})
export type CallbackAnswer = Static<typeof CallbackAnswer>

export const BotCommand = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 64 }),
  description: Nullable(Type.String({ minLength: 1, maxLength: 128 })),
})
export type BotCommand = Static<typeof BotCommand>

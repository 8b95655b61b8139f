/** What happens on the platform, as a bot is told of it. */
import { Type, type TProperties } from '@sinclair/typebox'
import { Message } from './messages.ts'
import { Id, Mid, nullable, Permissions, Time, User, variants } from './parts.ts'

const update = (type: string, properties: TProperties) =>
  Type.Object({ update_type: Type.Literal(type), timestamp: Time, ...properties })

const locale = Type.Optional(Type.String())
const inDialog = { chat_id: Id, user: User, user_locale: locale }
const inGroup = { chat_id: Id, user: User, is_channel: Type.Boolean() }
const removed = { message_id: Mid, chat_id: Id, user_id: Id }

const UPDATES = [
  update('message_created', { message: Message, user_locale: nullable(Type.String()) }),
  update('message_callback', {
    callback: Type.Object({
      timestamp: Time,
      callback_id: Type.String(),
      payload: Type.Optional(Type.String()),
      user: User,
    }),
    message: nullable(Message),
    user_locale: nullable(Type.String()),
  }),
  update('message_edited', { message: Message }),
  update('message_removed', removed),
  update('comment_created', { message: Message }),
  update('comment_edited', { message: Message }),
  update('comment_removed', { ...removed, post_id: Mid }),
  update('bot_added', inGroup),
  update('bot_removed', inGroup),
  update('user_added', { ...inGroup, inviter_id: nullable(Id) }),
  update('user_removed', { ...inGroup, admin_id: Type.Optional(Id) }),
  update('bot_started', { ...inDialog, payload: nullable(Type.String({ maxLength: 512 })) }),
  update('bot_stopped', inDialog),
  update('dialog_cleared', inDialog),
  update('dialog_removed', inDialog),
  update('dialog_muted', { ...inDialog, muted_until: Time }),
  update('dialog_unmuted', inDialog),
  update('chat_title_changed', { chat_id: Id, user: User, title: Type.String() }),
  update('bot_admin_permissions_changed', {
    chat_id: Id,
    user_id: Id,
    bot_id: Id,
    is_channel: Type.Boolean(),
    is_admin: Type.Boolean(),
    permissions: nullable(Permissions),
  }),
] as const

export const UpdateSchema = variants('update_type', UPDATES, { $id: 'Update' })
export const Update = Type.Ref('Update')

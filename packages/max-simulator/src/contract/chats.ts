/** Chats and who is in them. */
import { Type } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'
import { Picture } from './attachments.ts'
import { Message } from './messages.ts'
import { ChatType, done, Id, Mid, nullable, Permissions, portrayed, Time } from './parts.ts'

export const Chat = Type.Object({
  chat_id: Id,
  type: ChatType,
  status: closedSet(['active', 'removed', 'left', 'closed', 'suspended']),
  title: nullable(Type.String()),
  icon: nullable(Type.Object({ url: Type.String() })),
  last_event_time: Time,
  participants_count: Type.Integer(),
  owner_id: nullable(Id),
  participants: nullable(Type.Record(Type.String(), Type.Integer())),
  is_public: Type.Boolean(),
  link: nullable(Type.String()),
  description: nullable(Type.String()),
  dialog_with_user: nullable(Type.Object(portrayed)),
  messages_count: nullable(Type.Integer()),
  pinned_message: nullable(Message),
})

export const ChatChange = Type.Object({
  icon: nullable(Picture),
  title: nullable(Type.String({ minLength: 1, maxLength: 200 })),
  description: nullable(Type.String({ maxLength: 16_000 })),
  pin: nullable(Type.String()),
  notify: nullable(Type.Boolean()),
})

export const Member = Type.Object({
  ...portrayed,
  last_access_time: Time,
  is_owner: Type.Boolean(),
  is_admin: Type.Boolean(),
  join_time: Time,
  permissions: nullable(Permissions),
  alias: nullable(Type.String()),
})
export const Members = Type.Object({ members: Type.Array(Member), marker: nullable(Id) })

export const MembersChanged = Type.Object({
  ...done,
  failed_user_ids: nullable(Type.Array(Id, { uniqueItems: true })),
  failed_user_details: nullable(
    Type.Array(Type.Object({ error_code: Type.String(), user_ids: Type.Array(Id) })),
  ),
})

export const NewMembers = Type.Object({ user_ids: Type.Array(Id, { maxItems: 100 }) })

export const NewAdmins = Type.Object({
  admins: Type.Array(
    Type.Object({ user_id: Id, permissions: Permissions, alias: nullable(Type.String()) }),
  ),
})

export const Pin = Type.Object({ message_id: Mid, notify: nullable(Type.Boolean()) })
export const Pinned = Type.Object({ message: nullable(Message) })

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

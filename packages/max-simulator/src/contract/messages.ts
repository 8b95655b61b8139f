/** Messages as the platform shows them and as a bot sends them. */
import { Type } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'
import { Attachment, AttachmentRequest } from './attachments.ts'
import { ChatType, Id, Mid, nullable, Time, User, variants } from './parts.ts'

const range = { from: Type.Integer(), length: Type.Integer() }
const PLAIN_MARKS = [
  'strong',
  'emphasized',
  'monospaced',
  'strikethrough',
  'underline',
  'heading',
  'highlighted',
  'quote',
]

const Markup = variants('type', [
  ...PLAIN_MARKS.map((type) => Type.Object({ type: Type.Literal(type), ...range })),
  Type.Object({
    type: Type.Literal('link'),
    ...range,
    url: Type.String({ minLength: 1, maxLength: 2048 }),
  }),
  Type.Object({
    type: Type.Literal('user_mention'),
    ...range,
    user_link: nullable(Type.String()),
    user_id: nullable(Id),
  }),
])

export const BodySchema = Type.Object(
  {
    mid: Mid,
    seq: Type.Integer(),
    text: nullable(Type.String()),
    attachments: nullable(Type.Array(Attachment)),
    markup: nullable(Type.Array(Markup)),
  },
  { $id: 'MessageBody' },
)
const Body = Type.Ref('MessageBody')

const LinkType = closedSet(['forward', 'reply'])

export const MessageSchema = Type.Object(
  {
    sender: nullable(User),
    recipient: Type.Object({
      chat_id: nullable(Id),
      chat_type: ChatType,
      user_id: nullable(Id),
      post_id: nullable(Mid),
    }),
    timestamp: Time,
    link: nullable(
      Type.Object({
        type: LinkType,
        sender: nullable(User),
        chat_id: Type.Optional(Id),
        message: Body,
      }),
    ),
    body: Body,
    stat: nullable(Type.Object({ views: Type.Integer() })),
    url: nullable(Type.String()),
  },
  { $id: 'Message' },
)
export const Message = Type.Ref('Message')

/** What a bot sends, and what it replaces a message with. */
export const NewMessageSchema = Type.Object(
  {
    text: nullable(Type.String({ maxLength: 4000 })),
    attachments: nullable(Type.Array(AttachmentRequest)),
    link: nullable(Type.Object({ type: LinkType, mid: Mid })),
    notify: Type.Optional(Type.Boolean()),
    format: nullable(closedSet(['markdown', 'html'])),
  },
  { $id: 'NewMessage' },
)
export const NewMessage = Type.Ref('NewMessage')

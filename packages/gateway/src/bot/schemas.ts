import { Type, type Static, type TSchema } from '@sinclair/typebox'

/** The platform leaves empty fields out; older versions of it sent null. Both are taken. */
const absent = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))

const ChatId = Type.Integer()

/** A person or bot, as far as we need it. */
export const MaxUser = Type.Object({
  user_id: Type.Integer(),
  first_name: absent(Type.String()),
  last_name: absent(Type.String()),
  name: absent(Type.String()),
  username: absent(Type.String()),
  is_bot: absent(Type.Boolean()),
})
export type MaxUser = Static<typeof MaxUser>

const Markup = Type.Object({
  type: Type.String(),
  from: absent(Type.Integer()),
  length: absent(Type.Integer()),
  user_id: absent(Type.Integer()),
})

export const MaxMessage = Type.Object({
  sender: absent(MaxUser),
  recipient: Type.Object({ chat_id: absent(ChatId), chat_type: absent(Type.String()) }),
  timestamp: absent(Type.Integer()),
  link: absent(
    Type.Object({
      type: Type.String(),
      sender: absent(MaxUser),
      message: absent(Type.Object({ text: absent(Type.String()) })),
    }),
  ),
  body: Type.Object({
    mid: Type.String({ minLength: 1 }),
    text: absent(Type.String()),
    markup: absent(Type.Array(Markup)),
  }),
})
export type MaxMessage = Static<typeof MaxMessage>

const header = { update_type: Type.String({ minLength: 1 }), timestamp: absent(Type.Integer()) }
const user_locale = absent(Type.String())
const ofChat = { ...header, chat_id: ChatId, user: absent(MaxUser), user_locale }

/** What every update has; the rest depends on its type, and types that we do not know are taken and ignored. */
export const AnyUpdate = Type.Object(header, {
  title: 'MaxUpdate',
  additionalProperties: true,
  description: 'One update of the MAX platform; unknown types and fields are accepted',
  examples: [
    {
      update_type: 'message_created',
      timestamp: 1775025604499,
      user_locale: 'ru',
      message: {
        recipient: { chat_id: 182182182, chat_type: 'dialog', user_id: 229229229 },
        timestamp: 1775025603399,
        body: { mid: 'mid.000000000adf429c019d47b1ce4600ff', seq: 1, text: '/start' },
        sender: { user_id: 123456789, first_name: 'John', is_bot: false, last_activity_time: 0 },
      },
    },
  ],
})
export type AnyUpdate = Static<typeof AnyUpdate>

/** The updates that the bot acts upon. */
export const UPDATES = {
  message_created: Type.Object({ ...header, message: MaxMessage, user_locale }),
  message_callback: Type.Object({
    ...header,
    callback: Type.Object({
      timestamp: absent(Type.Integer()),
      callback_id: Type.String({ minLength: 1 }),
      payload: absent(Type.String()),
      user: MaxUser,
    }),
    message: absent(MaxMessage),
    user_locale,
  }),
  bot_started: Type.Object({ ...ofChat, user: MaxUser, payload: absent(Type.String()) }),
  bot_stopped: Type.Object(ofChat),
  dialog_removed: Type.Object(ofChat),
  bot_added: Type.Object(ofChat),
  bot_removed: Type.Object(ofChat),
  message_removed: Type.Object({
    ...header,
    message_id: Type.String({ minLength: 1 }),
    chat_id: absent(ChatId),
  }),
} as const
export type KnownUpdateType = keyof typeof UPDATES

/** What the bot asks the platform to send. */
export const KNOWN_UPDATES: readonly KnownUpdateType[] = [
  'message_created',
  'message_callback',
  'bot_started',
  'bot_stopped',
  'dialog_removed',
  'bot_added',
  'bot_removed',
  'message_removed',
]

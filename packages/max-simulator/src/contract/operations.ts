/**
 * The calls of the Bot API 0.0.33 that this simulator answers, in our own words: what may be asked and what is answered.
 * `conformance.test.ts` holds it against the official document where `MAX_OPENAPI` says where that is.
 */
import { Type, type TProperties, type TSchema } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'
import {
  Action,
  Chat,
  ChatChange,
  Member,
  Members,
  MembersChanged,
  NewAdmins,
  NewMembers,
  Pin,
  Pinned,
} from './chats.ts'
import { Message, NewMessage } from './messages.ts'
import { Commands, Done, Id, Mid, nullable, portrayed, Time } from './parts.ts'
import { Update } from './updates.ts'

export interface Operation {
  /** Of the query: numbers and flags by their meaning, lists joined by commas. */
  query: TProperties
  body?: TSchema
  answer: TSchema
}

const Count = Type.Integer({ minimum: 1, maximum: 100 })
const Instant = Type.Integer({ minimum: 0 })
const list = (items: TSchema) => nullable(Type.Array(items, { uniqueItems: true }))
const preview = { disable_link_preview: Type.Optional(Type.Boolean()) }
const messageId = { message_id: Mid }

const CHATS: Record<string, Operation> = {
  'GET /chats/:chatId': { query: {}, answer: Chat },
  'PATCH /chats/:chatId': { query: {}, body: ChatChange, answer: Chat },
  'POST /chats/:chatId/actions': { query: {}, body: Action, answer: Done },
  'GET /chats/:chatId/pin': { query: {}, answer: Pinned },
  'PUT /chats/:chatId/pin': { query: {}, body: Pin, answer: Done },
  'DELETE /chats/:chatId/pin': { query: {}, answer: Done },
  'GET /chats/:chatId/members/me': { query: {}, answer: Member },
  'DELETE /chats/:chatId/members/me': { query: {}, answer: Done },
  'GET /chats/:chatId/members/admins': { query: {}, answer: Members },
  'POST /chats/:chatId/members/admins': { query: {}, body: NewAdmins, answer: Done },
  'DELETE /chats/:chatId/members/admins/:userId': { query: {}, answer: Done },
  'GET /chats/:chatId/members': {
    query: { user_ids: list(Id), marker: Type.Optional(Id), count: Type.Optional(Count) },
    answer: Members,
  },
  'POST /chats/:chatId/members': { query: {}, body: NewMembers, answer: MembersChanged },
  'DELETE /chats/:chatId/members': {
    query: { user_id: Id, block: Type.Optional(Type.Boolean()) },
    answer: Done,
  },
}

const MESSAGES: Record<string, Operation> = {
  'GET /messages': {
    query: {
      chat_id: Type.Optional(Id),
      message_ids: list(Type.String()),
      from: Type.Optional(Time),
      to: Type.Optional(Time),
      before: Type.Optional(Instant),
      after: Type.Optional(Instant),
      count: Type.Optional(Count),
    },
    answer: Type.Object({ messages: Type.Array(Message) }),
  },
  'POST /messages': {
    query: { user_id: Type.Optional(Id), chat_id: Type.Optional(Id), ...preview },
    body: NewMessage,
    answer: Type.Object({ message: Message }),
  },
  'PUT /messages': { query: messageId, body: NewMessage, answer: Done },
  'DELETE /messages': { query: messageId, answer: Done },
  'GET /messages/:messageId': { query: {}, answer: Message },
  'POST /answers': {
    query: {
      callback_id: Type.String({ minLength: 1, pattern: '^\\s*\\S[\\s\\S]*$' }),
      ...preview,
    },
    body: Type.Object({ message: nullable(NewMessage), notification: nullable(Type.String()) }),
    answer: Done,
  },
}

const BOT: Record<string, Operation> = {
  'GET /me': {
    query: {},
    answer: Type.Object({ ...portrayed, commands: nullable(Commands) }),
  },
  'PATCH /me/commands': {
    query: {},
    body: Type.Object({ commands: Type.Optional(Commands) }),
    answer: Type.Object({ commands: nullable(Commands) }),
  },
  'GET /subscriptions': {
    query: {},
    answer: Type.Object({
      subscriptions: Type.Array(
        Type.Object({
          url: Type.String(),
          time: Time,
          update_types: list(Type.String({ minLength: 1 })),
        }),
      ),
    }),
  },
  'POST /subscriptions': {
    query: {},
    body: Type.Object({
      url: Type.String(),
      secret: Type.Optional(Type.String({ minLength: 5, maxLength: 256, pattern: '^[\\w-]+$' })),
      update_types: Type.Optional(Type.Array(Type.String(), { uniqueItems: true })),
    }),
    answer: Done,
  },
  'DELETE /subscriptions': { query: { url: Type.String() }, answer: Done },
  'POST /uploads': {
    query: { type: closedSet(['image', 'video', 'audio', 'file']) },
    answer: Type.Object({ url: Type.String(), token: nullable(Type.String()) }),
  },
  'GET /updates': {
    query: {
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      timeout: Type.Optional(Type.Integer({ minimum: 0, maximum: 90 })),
      marker: nullable(Id),
      types: list(Type.String()),
    },
    answer: Type.Object({ updates: Type.Array(Update), marker: nullable(Id) }),
  },
}

/** By method and route. */
export const OPERATIONS: Readonly<Record<string, Operation>> = { ...BOT, ...MESSAGES, ...CHATS }

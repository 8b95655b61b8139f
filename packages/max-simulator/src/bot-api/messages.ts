/** Messages and the answers to pressed buttons. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from '@sinclair/typebox'
import { messageOf } from '../platform/content.ts'
import { BadPayload } from '../platform/errors.ts'
import type { Platform, PlatformOption } from '../platform/platform.ts'
import { CallbackAnswer, NewMessageBody } from '../platform/schemas.ts'
import type { WireMessage } from '../platform/wire.ts'
import {
  AnswerQuery,
  MessagePath,
  MessageQuery,
  MessagesQuery,
  numberOf,
  SendQuery,
} from './schemas.ts'

const MAX_COUNT = 100
const DEFAULT_COUNT = 50

export const messageRoutes: FastifyPluginAsyncTypebox<PlatformOption> = async (
  app,
  { platform },
) => {
  const { sending, messages, chats } = platform

  app.post(
    '/messages',
    { schema: { querystring: SendQuery, body: NewMessageBody } },
    ({ query, body }) => {
      const target = {
        userId: numberOf(query.user_id),
        chatId: numberOf(query.chat_id),
        preview: query.disable_link_preview !== 'true',
      }
      const message = sending.send(target, body)
      return { message: messages.view(message, chats.get(message.chatId)) }
    },
  )

  app.put(
    '/messages',
    { schema: { querystring: MessageQuery, body: NewMessageBody } },
    ({ query, body }) => sending.edit(query.message_id, body),
  )

  app.delete('/messages', { schema: { querystring: MessageQuery } }, ({ query }) =>
    sending.remove(query.message_id),
  )

  app.get('/messages', { schema: { querystring: MessagesQuery } }, ({ query }) => ({
    messages: list(platform, query),
  }))

  app.get('/messages/:messageId', { schema: { params: MessagePath } }, ({ params }) =>
    view(platform, params.messageId),
  )

  app.post(
    '/answers',
    { schema: { querystring: AnswerQuery, body: CallbackAnswer } },
    ({ query, body }) =>
      sending.answer(query.callback_id, body, query.disable_link_preview !== 'true'),
  )
}

function view({ messages, chats, people, uploads }: Platform, mid: string): WireMessage {
  const message = messageOf(mid, { messages, chats, people, uploads })
  return messages.view(message, chats.get(message.chatId))
}

/** Newest first. */
function list(platform: Platform, query: Static<typeof MessagesQuery>): WireMessage[] {
  const { messages, chats } = platform
  const count = numberOf(query.count) ?? DEFAULT_COUNT
  if (count < 1 || count > MAX_COUNT)
    throw new BadPayload(`count: must be between 1 and ${MAX_COUNT}`)
  if (query.message_ids !== undefined) {
    const mids = query.message_ids.split(',').filter((mid) => messages.find(mid) !== undefined)
    return mids.slice(0, count).map((mid) => view(platform, mid))
  }
  if (query.chat_id === undefined) throw new BadPayload('chat_id or message_ids must be given')
  const chat = chats.get(Number(query.chat_id))
  const before = numberOf(query.before) ?? Infinity
  const after = numberOf(query.after) ?? -Infinity
  return messages
    .inChat(chat.chatId)
    .filter(({ timestamp }) => timestamp < before && timestamp > after)
    .slice(-count)
    .toReversed()
    .map((message) => messages.view(message, chat))
}

/** Chats, the bot's actions in them, pinned messages. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { chatView } from '../platform/chat-view.ts'
import type { Chat } from '../platform/chats.ts'
import { AccessDenied, MessageNotFound } from '../platform/errors.ts'
import type { Platform, PlatformOption } from '../platform/platform.ts'
import type { QueryResult } from '../platform/wire.ts'
import { Action, ChatPatch, ChatPath, Pin } from './schemas.ts'

export const chatRoutes: FastifyPluginAsyncTypebox<PlatformOption> = async (app, { platform }) => {
  const { chats, messages, changes, bot } = platform
  const show = (chat: Chat) => chatView(chat, { ...platform, botId: bot.userId })

  app.get('/chats/:chatId', { schema: { params: ChatPath } }, ({ params }) =>
    show(chats.get(Number(params.chatId))),
  )

  app.patch(
    '/chats/:chatId',
    { schema: { params: ChatPath, body: ChatPatch } },
    ({ params, body }) => {
      const group = platform.membership.group(Number(params.chatId), 'change_chat_info')
      group.title = body.title ?? group.title
      // An empty text takes the description away.
      if (typeof body.description === 'string') group.description = body.description || undefined
      group.iconUrl = body.icon?.url ?? group.iconUrl
      if (typeof body.pin === 'string') pin(platform, group, body.pin)
      changes.tell({ kind: 'chat', chat: group })
      return show(group)
    },
  )

  app.post(
    '/chats/:chatId/actions',
    { schema: { params: ChatPath, body: Action } },
    ({ params, body }): QueryResult => {
      const { chatId } = chats.get(Number(params.chatId))
      changes.tell({ kind: 'action', chatId, action: body.action })
      return { success: true }
    },
  )

  app.get('/chats/:chatId/pin', { schema: { params: ChatPath } }, ({ params }) => {
    const chat = pinnable(platform, Number(params.chatId))
    const pinned = chat.pinnedMid === undefined ? undefined : messages.find(chat.pinnedMid)
    return { message: pinned === undefined ? undefined : messages.view(pinned, chat) }
  })

  app.put(
    '/chats/:chatId/pin',
    { schema: { params: ChatPath, body: Pin } },
    ({ params, body }): QueryResult => {
      pin(platform, pinnable(platform, Number(params.chatId)), body.message_id)
      return { success: true }
    },
  )

  app.delete('/chats/:chatId/pin', { schema: { params: ChatPath } }, ({ params }): QueryResult => {
    const chat = pinnable(platform, Number(params.chatId))
    chat.pinnedMid = undefined
    changes.tell({ kind: 'chat', chat })
    return { success: true }
  })
}

/** In groups pinning is a right of its own. */
function pinnable({ chats }: Platform, chatId: number): Chat {
  const chat = chats.get(chatId)
  if (chat.type !== 'dialog' && !chats.botMay(chat, 'pin_message')) {
    throw new AccessDenied('Bot needs the permission pin_message')
  }
  return chat
}

function pin({ messages, changes }: Platform, chat: Chat, mid: string): void {
  if (messages.find(mid)?.chatId !== chat.chatId) throw new MessageNotFound(mid)
  chat.pinnedMid = mid
  changes.tell({ kind: 'chat', chat })
}

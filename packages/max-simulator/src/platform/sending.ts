/** What the bot does to messages, by the platform's rules. Nothing of it comes back to the bot as an update. */
import type { Callbacks } from './callbacks.ts'
import type { Changes } from './changes.ts'
import type { Chat } from './chats.ts'
import type { Clock } from './clock.ts'
import { editedContent, messageOf, newContent, type ContentDeps } from './content.ts'
import { AccessDenied, BadPayload, ChatDenied } from './errors.ts'
import type { StoredMessage } from './messages.ts'
import type { Bot } from './people.ts'
import type { RateLimits } from './rate-limits.ts'
import type { CallbackAnswer, NewMessageBody } from './schemas.ts'
import type { QueryResult } from './wire.ts'

/** In a dialog a message without keyboard cannot be edited after this time of the platform. */
const EDITABLE_MS = 7 * 24 * 60 * 60 * 1000

export interface Target {
  userId?: number | undefined
  chatId?: number | undefined
  /** Whether an address in the text brings a preview. */
  preview: boolean
}

export interface SendingDeps extends ContentDeps {
  bot: Bot
  clock: Clock
  limits: RateLimits
  callbacks: Callbacks
  changes: Changes
}

export type Sending = ReturnType<typeof createSending>

export function createSending(deps: SendingDeps) {
  return {
    /** @throws the platform's errors */
    send: (target: Target, body: NewMessageBody): StoredMessage => send(deps, target, body),
    /** @throws the platform's errors */
    edit: (mid: string, body: NewMessageBody): QueryResult => {
      const message = messageOf(mid, deps)
      deps.limits.chat('edit', message.chatId)
      return edit(deps, message, body, true)
    },
    /** @throws the platform's errors */
    remove: (mid: string): QueryResult => remove(deps, mid),
    /** @throws the platform's errors */
    answer: (callbackId: string, answer: CallbackAnswer, preview: boolean): QueryResult => {
      const callback = deps.callbacks.get(callbackId)
      deps.limits.chat('answer', callback.chatId)
      // A `notification` is taken and shown to nobody, as on the platform.
      if (!answer.message) return { success: true }
      return edit(deps, messageOf(callback.mid, deps), answer.message, preview)
    },
  }
}

function send(deps: SendingDeps, target: Target, body: NewMessageBody): StoredMessage {
  const chat = recipientOf(deps, target)
  if (chat.type === 'channel' && body.notify === false) {
    throw new BadPayload('notify: cannot be false in a channel')
  }
  deps.limits.chat('send', chat.chatId)
  deps.bot.lastActivity = deps.clock.now()
  const message = deps.messages.add(chat, deps.bot.userId, newContent(body, target.preview, deps))
  deps.chats.touch(chat)
  deps.changes.tell({ kind: 'message', message, chat })
  return message
}

/** The chat, if the bot may write there. */
function recipientOf({ people, chats }: SendingDeps, { userId, chatId }: Target): Chat {
  if (chatId === 0) throw new ChatDenied('Invalid chatId: 0')
  if (userId !== undefined && people.find(userId) === undefined) {
    throw new ChatDenied('error.dialog.notfound')
  }
  if (userId === undefined && chatId === undefined) {
    throw new BadPayload('One of user_id and chat_id must be given')
  }
  const chat = userId === undefined ? chats.find(chatId ?? 0) : chats.dialog(userId)
  if (chat === undefined) throw new ChatDenied(`Chat ${chatId} is not accessible`)
  if (chat.type === 'dialog') {
    if (chat.status === 'none') throw new ChatDenied('error.dialog.notfound')
    if (chat.status === 'suspended') throw new ChatDenied('error.dialog.suspended')
    return chat
  }
  if (!chats.botIsIn(chat)) throw new ChatDenied(`Chat ${chatId} is not accessible`)
  if (chat.type === 'channel' && !chats.botMay(chat, 'write')) {
    throw new ChatDenied('chat.send.msg.no.permission.because.not.admin')
  }
  return chat
}

function edit(
  deps: SendingDeps,
  message: StoredMessage,
  body: NewMessageBody,
  preview: boolean,
): QueryResult {
  const chat = deps.chats.get(message.chatId)
  if (message.senderId !== deps.bot.userId)
    throw new AccessDenied('Only own messages can be edited')
  const keyboard = message.content.attachments?.some(({ type }) => type === 'inline_keyboard')
  const old = deps.clock.age(message.timestamp) > EDITABLE_MS
  if (chat.type === 'dialog' && !keyboard && old) {
    return { success: false, message: 'Message is too old to be edited' }
  }
  const content = editedContent(message.content, body, preview, deps)
  if (typeof content === 'string') return { success: false, message: content }
  deps.messages.edit(message, content)
  deps.chats.touch(chat)
  deps.changes.tell({ kind: 'message', message, chat })
  return { success: true }
}

function remove(deps: SendingDeps, mid: string): QueryResult {
  const message = messageOf(mid, deps)
  const chat = deps.chats.get(message.chatId)
  deps.limits.chat('delete', message.chatId)
  const own = message.senderId === deps.bot.userId
  if (!own && (chat.type === 'dialog' || !deps.chats.botMay(chat, 'delete'))) {
    throw new AccessDenied('Message of somebody else cannot be deleted')
  }
  deps.messages.remove(message)
  if (chat.pinnedMid === mid) chat.pinnedMid = undefined
  deps.changes.tell({ kind: 'message-removed', chatId: chat.chatId, mid })
  return { success: true }
}

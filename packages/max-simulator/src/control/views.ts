/** What the control API and the chat page show. */
import type { Chat } from '../platform/chats.ts'
import type { StoredMessage } from '../platform/messages.ts'
import { fullName, type Person } from '../platform/people.ts'
import type { Platform } from '../platform/platform.ts'
import type { Attachment, Button } from '../platform/wire.ts'

export function personView(person: Person, { chats }: Platform) {
  const dialog = chats.dialog(person.userId)
  return {
    userId: person.userId,
    firstName: person.firstName,
    lastName: person.lastName,
    username: person.username,
    name: fullName(person),
    locale: person.locale,
    chatId: dialog.chatId,
    /** none, active or suspended */
    dialog: dialog.status,
  }
}

export function chatView(chat: Chat, { bot, chats, people }: Platform) {
  const common = {
    chatId: chat.chatId,
    type: chat.type,
    pinnedMid: chat.pinnedMid,
    lastEventTime: chat.lastEventTime,
  }
  if (chat.type === 'dialog') {
    return { ...common, title: bot.firstName, userId: chat.userId, status: chat.status }
  }
  return {
    ...common,
    title: chat.title,
    description: chat.description,
    ownerId: chat.ownerId,
    members: [...chat.members.values()].map(({ userId, permissions }) => ({
      userId,
      name: people.view(userId)?.name,
      permissions,
    })),
    botIsIn: chats.botIsIn(chat),
    botHears: chats.botHears(chat),
  }
}

export interface MessageView {
  mid: string
  /** Rises with time; text, because it is above 2^53. */
  seq: string
  chatId: number
  sender: { userId: number; name: string; isBot: boolean }
  /** Without markup. */
  text?: string | null | undefined
  markup: StoredMessage['content']['markup']
  /** As the bot sent it. */
  source: StoredMessage['content']['source']
  buttons: Button[][]
  attachments: Attachment[]
  replyTo?: { mid: string; text?: string | null | undefined; name?: string | undefined } | undefined
  timestamp: number
  editedAt?: number | undefined
}

export function messageView(message: StoredMessage, { bot, people }: Platform): MessageView {
  const { text, markup, source, attachments = [], link } = message.content
  const sender = people.view(message.senderId)
  return {
    mid: message.mid,
    seq: message.seq.toString(),
    chatId: message.chatId,
    sender: {
      userId: message.senderId,
      name: sender?.name ?? '',
      isBot: message.senderId === bot.userId,
    },
    text,
    markup,
    source,
    buttons: attachments.flatMap((attachment) =>
      attachment.type === 'inline_keyboard' ? attachment.payload.buttons : [],
    ),
    attachments: attachments.filter(({ type }) => type !== 'inline_keyboard'),
    replyTo: link && { mid: link.message.mid, text: link.message.text, name: link.sender?.name },
    timestamp: message.timestamp,
    editedAt: message.editedAt,
  }
}

/** A bot that polls asks again at once; one that has not for so long is gone. */
const POLL_GAP_MS = 5000

/** Whether a bot is there, and how it takes its updates. */
export function connectionView({ bot, subscriptions, deliveries, eventLog, clock }: Platform) {
  const { polledAt, waiting } = eventLog
  const polls = waiting > 0 || (polledAt !== undefined && clock.now() - polledAt < POLL_GAP_MS)
  const failing = subscriptions.list().filter(({ url }) => deliveries.isFailing(url))
  return {
    mode: subscriptions.any ? 'webhook' : polls ? 'polling' : 'none',
    targets: subscriptions.list().map(({ url }) => url),
    failing: failing.map(({ url }) => url),
    pending: deliveries.pending,
    dropped: deliveries.dropped,
    bot: {
      userId: bot.userId,
      name: bot.firstName,
      username: bot.username,
      commands: bot.commands,
    },
    timeScale: clock.scale,
  }
}

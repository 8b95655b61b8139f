/** The messages of all chats, and how the bot sees one. */
import { forgetOldest, type Bounds } from './bounds.ts'
import type { Chat } from './chats.ts'
import { createSequence, midOf } from './ids.ts'
import type { People } from './people.ts'
import type { Attachment, Markup, WireLink, WireMessage } from './wire.ts'

export interface StoredMessage {
  readonly mid: string
  readonly seq: bigint
  readonly chatId: number
  readonly senderId: number
  /** Unix milliseconds. */
  readonly timestamp: number
  content: Content
  editedAt?: number | undefined
}

export interface Content {
  /** Absent, null and empty are all possible for a message of attachments only. */
  readonly text?: string | null | undefined
  readonly markup?: readonly Markup[] | undefined
  /** The text as the bot sent it, before the markup was taken out. */
  readonly source?: { text: string; format: 'markdown' | 'html' } | undefined
  readonly attachments?: readonly Attachment[] | undefined
  readonly link?: WireLink | undefined
}

export class Messages {
  readonly #bounds: Bounds
  readonly #people: People
  readonly #botId: number
  readonly #now: () => number
  readonly #nextSeq: () => bigint
  readonly #byMid = new Map<string, StoredMessage>()
  readonly #byChat = new Map<number, StoredMessage[]>()

  constructor(deps: { bounds: Bounds; people: People; botId: number; now: () => number }) {
    this.#bounds = deps.bounds
    this.#people = deps.people
    this.#botId = deps.botId
    this.#now = deps.now
    this.#nextSeq = createSequence(deps.now)
  }

  add(chat: Chat, senderId: number, content: Content): StoredMessage {
    const seq = this.#nextSeq()
    const message: StoredMessage = {
      mid: midOf(chat.chatId, seq),
      seq,
      chatId: chat.chatId,
      senderId,
      // The sequence number holds the time, and the two must agree.
      timestamp: Number(seq >> 16n),
      content,
    }
    this.#byMid.set(message.mid, message)
    const list = this.#byChat.get(chat.chatId)
    if (list === undefined) this.#byChat.set(chat.chatId, [message])
    else list.push(message)
    forgetOldest(this.#byMid, this.#bounds.messages, (gone) => this.#unlist(gone))
    return message
  }

  find(mid: string): StoredMessage | undefined {
    return this.#byMid.get(mid)
  }

  edit(message: StoredMessage, content: Content): void {
    message.content = content
    message.editedAt = this.#now()
  }

  remove(message: StoredMessage): void {
    this.#byMid.delete(message.mid)
    this.#unlist(message)
  }

  /** Oldest first. */
  inChat(chatId: number): readonly StoredMessage[] {
    return this.#byChat.get(chatId) ?? []
  }

  clearChat(chatId: number): void {
    for (const { mid } of this.inChat(chatId)) this.#byMid.delete(mid)
    this.#byChat.delete(chatId)
  }

  clear(): void {
    this.#byMid.clear()
    this.#byChat.clear()
  }

  /** As the Bot API shows it. */
  view(message: StoredMessage, chat: Chat): WireMessage {
    const { text, markup = [], attachments = [], link } = message.content
    return {
      // Posts of a channel are the channel's own.
      sender: chat.type === 'channel' ? undefined : this.#people.view(message.senderId),
      recipient: this.#recipient(message, chat),
      timestamp: message.timestamp,
      link,
      body: {
        mid: message.mid,
        seq: message.seq,
        text,
        attachments: attachments.length > 0 ? [...attachments] : undefined,
        markup: markup.length > 0 ? [...markup] : undefined,
      },
    }
  }

  /** In a dialog the other side is named: the person for the bot's messages, the bot for the person's. */
  #recipient(message: StoredMessage, chat: Chat): WireMessage['recipient'] {
    const recipient = { chat_id: chat.chatId, chat_type: chat.type }
    if (chat.type !== 'dialog') return recipient
    return {
      ...recipient,
      user_id: message.senderId === this.#botId ? chat.userId : this.#botId,
    }
  }

  #unlist(message: StoredMessage): void {
    const list = this.#byChat.get(message.chatId)
    const index = list?.indexOf(message) ?? -1
    if (index >= 0) list?.splice(index, 1)
  }
}

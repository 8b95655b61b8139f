/** What a person does with messages: write, edit, delete. */
import type { Changes } from './changes.ts'
import type { Chat, Chats } from './chats.ts'
import { MAX_TEXT, wireLink } from './content.ts'
import { ControlConflict, ControlInvalid, ControlNotFound } from './errors.ts'
import type { Content, Messages, StoredMessage } from './messages.ts'
import type { People, Person } from './people.ts'
import type { Updates } from './updates.ts'
import type { Attachment, UpdateType } from './wire.ts'

export interface Writing {
  /** Absent: the dialog with the bot. */
  chatId?: number | undefined
  text?: string | undefined
  /** How a missing text is said; the platform's habit is not known. */
  emptyText?: 'absent' | 'empty' | 'null' | undefined
  attachments?: readonly Attachment[] | undefined
  replyTo?: string | undefined
}

export interface WritingDeps {
  people: People
  chats: Chats
  messages: Messages
  updates: Updates
  changes: Changes
}

export type PersonMessages = ReturnType<typeof createPersonMessages>

export function createPersonMessages(deps: WritingDeps) {
  return {
    /** @throws ControlConflict, ControlNotFound, ControlInvalid */
    write: (userId: number, writing: Writing): StoredMessage => write(deps, userId, writing),
    edit(userId: number, mid: string, text: string): StoredMessage {
      const { message, chat } = ownMessage(deps, userId, mid)
      checkText(text)
      deps.messages.edit(message, { ...message.content, text })
      deps.changes.tell({ kind: 'message', message, chat })
      tell(deps, 'message_edited', chat, { message: deps.messages.view(message, chat) })
      return message
    },
    remove(userId: number, mid: string): void {
      const { chat } = ownMessage(deps, userId, mid)
      removeMessage(deps, mid, chat)
      tell(deps, 'message_removed', chat, {
        message_id: mid,
        chat_id: chat.chatId,
        user_id: userId,
      })
    },
  }
}

export function write(deps: WritingDeps, userId: number, writing: Writing): StoredMessage {
  const person = deps.people.get(userId)
  const chat = writableChat(deps, person, writing.chatId)
  deps.people.touch(person)
  const message = deps.messages.add(chat, userId, contentOf(deps, writing, chat))
  deps.chats.touch(chat)
  deps.changes.tell({ kind: 'message', message, chat })
  tell(deps, 'message_created', chat, {
    message: deps.messages.view(message, chat),
    // The platform says the language in dialogs only.
    user_locale: chat.type === 'dialog' ? person.locale : undefined,
  })
  return message
}

/** The chat, if the person may write there now. */
export function writableChat(
  { chats }: WritingDeps,
  { userId }: Person,
  chatId: number | undefined,
): Chat {
  const dialog = chats.dialog(userId)
  if (chatId === undefined || chatId === dialog.chatId) {
    if (dialog.status === 'active') return dialog
    throw new ControlConflict(
      `Person ${userId} has not started the bot; POST /control/people/${userId}/start does`,
    )
  }
  const group = chats.group(chatId)
  const member = group.members.get(userId)
  if (member === undefined) throw new ControlConflict(`Person ${userId} is not in chat ${chatId}`)
  if (group.type === 'channel' && member.permissions === undefined && group.ownerId !== userId) {
    throw new ControlConflict('Only administrators write to a channel')
  }
  return group
}

function contentOf(deps: WritingDeps, writing: Writing, chat: Chat): Content {
  const { text = '', attachments = [], replyTo, emptyText = 'absent' } = writing
  if (text === '' && attachments.length === 0) {
    throw new ControlInvalid('A message needs a text or an attachment')
  }
  if (text !== '') checkText(text)
  const original = replyTo === undefined ? undefined : deps.messages.find(replyTo)
  if (replyTo !== undefined && original?.chatId !== chat.chatId) {
    throw new ControlNotFound(`Message ${replyTo}`)
  }
  const silent = { absent: undefined, empty: '', null: null }[emptyText]
  return {
    text: text === '' ? silent : text,
    attachments,
    link: original === undefined ? undefined : wireLink('reply', original, deps),
  }
}

function checkText(text: string): void {
  if (text.trim() === '' || text.length > MAX_TEXT) {
    throw new ControlInvalid(`A text has 1 to ${MAX_TEXT} characters`)
  }
}

function ownMessage(
  deps: WritingDeps,
  userId: number,
  mid: string,
): { message: StoredMessage; chat: Chat } {
  deps.people.touch(deps.people.get(userId))
  const message = deps.messages.find(mid)
  const chat = message === undefined ? undefined : deps.chats.find(message.chatId)
  if (message === undefined || chat === undefined) throw new ControlNotFound(`Message ${mid}`)
  if (message.senderId !== userId) {
    throw new ControlConflict(`Message ${mid} is not of person ${userId}`)
  }
  return { message, chat }
}

function removeMessage({ messages, changes }: WritingDeps, mid: string, chat: Chat): void {
  const message = messages.find(mid)
  if (message !== undefined) messages.remove(message)
  if (chat.pinnedMid === mid) chat.pinnedMid = undefined
  changes.tell({ kind: 'message-removed', chatId: chat.chatId, mid })
}

/** In groups the bot is told only as an administrator who reads everything. */
function tell(
  deps: WritingDeps,
  type: UpdateType,
  chat: Chat,
  fields: Record<string, unknown>,
): void {
  if (deps.chats.botHears(chat)) deps.updates.publish(type, chat.chatId, fields)
}

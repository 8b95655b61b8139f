/** From what a bot sends to what is stored: text, markup, attachments, link. */
import { attachmentsOf, shareOf } from './attachments.ts'
import type { Chats } from './chats.ts'
import { BadPayload, MessageNotFound } from './errors.ts'
import { isMid } from './ids.ts'
import { parseHtml } from './markup/html.ts'
import { parseMarkdown } from './markup/markdown.ts'
import type { Content, Messages, StoredMessage } from './messages.ts'
import type { People } from './people.ts'
import type { NewMessageBody } from './schemas.ts'
import type { Uploads } from './uploads.ts'
import type { Attachment, WireLink } from './wire.ts'

export const MAX_TEXT = 4000

export interface ContentDeps {
  messages: Messages
  chats: Chats
  people: People
  uploads: Uploads
}

/** @throws BadPayload, MessageNotFound */
export function newContent(body: NewMessageBody, preview: boolean, deps: ContentDeps): Content {
  const text = textOf(body)
  const attachments = attachmentsOf(body.attachments ?? [], deps)
  const link = body.link ? linkOf(body.link, deps) : undefined
  const substance = attachments.some(({ type }) => type !== 'inline_keyboard')
  if (!body.text && !substance && link?.type !== 'forward') {
    throw new BadPayload('Message must have text, an attachment or a forwarded message')
  }
  return { ...text, attachments: [...attachments, ...previews(text.text, preview)], link }
}

/**
 * The content after an edit: absent and null keep what is there, an empty text or list removes it.
 * @returns a text when the edit is refused: the platform answers 200 with `success: false`
 */
export function editedContent(
  before: Content,
  body: NewMessageBody,
  preview: boolean,
  deps: ContentDeps,
): Content | string {
  const keepsText = body.text === null || body.text === undefined
  const text = keepsText
    ? { text: before.text, markup: before.markup, source: before.source }
    : textOf(body)
  const attachments = body.attachments
    ? [...attachmentsOf(body.attachments, deps), ...previews(keepsText ? '' : text.text, preview)]
    : (before.attachments ?? [])
  const link = body.link ? linkOf(body.link, deps) : before.link
  const substance = attachments.some(({ type }) => type !== 'inline_keyboard')
  if (!text.text && !substance && link?.type !== 'forward') return 'Message cannot be empty'
  return { ...text, attachments, link }
}

/** The message with that id, as far as the bot can see it. @throws BadPayload, MessageNotFound */
export function messageOf(mid: string, { messages, chats }: ContentDeps): StoredMessage {
  if (!isMid(mid)) throw new BadPayload(`Invalid message_id: ${mid}`)
  const message = messages.find(mid)
  const chat = message === undefined ? undefined : chats.find(message.chatId)
  if (message === undefined || chat === undefined) throw new MessageNotFound(mid)
  if (chat.type !== 'dialog' && !chats.botIsIn(chat)) throw new MessageNotFound(mid)
  return message
}

function textOf({ text, format }: NewMessageBody): Pick<Content, 'text' | 'markup' | 'source'> {
  if (!text) return {}
  if (text.length > MAX_TEXT) {
    throw new BadPayload(`text: size must be between 0 and ${MAX_TEXT}`)
  }
  if (!format) return { text }
  const parsed = format === 'markdown' ? parseMarkdown(text) : parseHtml(text)
  return { ...parsed, source: { text, format } }
}

/** A plain address in a text brings its preview, unless the bot asks for none. */
function previews(text: string | null | undefined, wanted: boolean): Attachment[] {
  const url = wanted ? /https?:\/\/[^\s<>"]+/u.exec(text ?? '')?.[0] : undefined
  return url === undefined ? [] : [shareOf(url)]
}

function linkOf(link: NonNullable<NewMessageBody['link']>, deps: ContentDeps): WireLink {
  const original = messageOf(link.mid, deps)
  return wireLink(link.type, original, deps)
}

/** The linked message as it is now; its buttons do not travel. */
export function wireLink(
  type: WireLink['type'],
  original: StoredMessage,
  { people }: Pick<ContentDeps, 'people'>,
): WireLink {
  const { text, markup = [], attachments = [] } = original.content
  const carried = attachments.filter(({ type: kind }) => kind !== 'inline_keyboard')
  return {
    type,
    sender: people.view(original.senderId),
    chat_id: type === 'forward' ? original.chatId : undefined,
    message: {
      mid: original.mid,
      seq: original.seq,
      text,
      attachments: carried.length > 0 ? carried : undefined,
      markup: markup.length > 0 ? [...markup] : undefined,
    },
  }
}

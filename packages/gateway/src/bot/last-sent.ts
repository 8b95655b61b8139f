import { Type, type Static } from '@sinclair/typebox'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import type { Content } from './outgoing.ts'
import type { BotTables } from './tables.ts'

/** A message of a chat, as the platform lists it. */
export const ListedMessage = Type.Object({
  sender: Type.Optional(Type.Union([Type.Object({ user_id: Type.Integer() }), Type.Null()])),
  body: Type.Object({
    mid: Type.String(),
    text: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
})
export type ListedMessage = Static<typeof ListedMessage>

export type LastSent = ReturnType<typeof createLastSent>

/** Remembers the newest message of the bot in each chat, to know later which ones it has no record of. */
export function createLastSent(database: AnyDatabase) {
  const tables = database.as<BotTables>()
  return {
    async get(chatId: number): Promise<string | undefined> {
      const row = await tables.kysely
        .selectFrom('bot_last_sent')
        .select('mid')
        .where('chat_id', '=', chatId)
        .executeTakeFirst()
      return row?.mid
    },

    async set(trx: AnyTransaction, chatId: number, mid: string): Promise<void> {
      const sent = { mid, sent_at: database.now() }
      await tables
        .transaction(trx)
        .insertInto('bot_last_sent')
        .values({ chat_id: chatId, ...sent })
        .onConflict((conflict) => conflict.column('chat_id').doUpdateSet(sent))
        .execute()
    },
  }
}

/**
 * The message that a try without an answer left in the chat after all: ours, with this text, and newer than the newest
 * that we have a record of.
 * @param listed newest first
 */
export function unrecordedIn(
  listed: readonly ListedMessage[],
  { selfId, lastMid, content }: { selfId: number; lastMid: string | undefined; content: Content },
): string | undefined {
  const known = listed.findIndex(({ body }) => body.mid === lastMid)
  const newer = known < 0 ? listed : listed.slice(0, known)
  const text = plainTextOf(content.html)
  return newer.find(({ sender, body }) => sender?.user_id === selfId && body.text === text)?.body
    .mid
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&amp;': '&',
}

/** What the platform keeps of our HTML: the tags are taken out. */
export function plainTextOf(html: string): string {
  return html
    .replaceAll(/<\/?[a-z][^>]*>/gu, '')
    .replaceAll(/&(?:lt|gt|quot|#39|amp);/gu, (entity) => ENTITIES[entity] ?? entity)
}

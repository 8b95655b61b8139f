import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import type { CardShown } from './outgoing.ts'
import type { BotTables } from './tables.ts'

/** A message that shows the card of a task. */
export interface CardMessage {
  chatId: number
  mid: string
  version: number
  maxUserId: number | null
}

export type CardMessages = ReturnType<typeof createCardMessages>

/** Cards of one task that are kept up to date; older ones still work, they only stand still. */
const CARDS_LIMIT = 200

/** Remembers which message shows which task, so that it can be edited when the task changes. */
export function createCardMessages(database: AnyDatabase) {
  const tables = database.as<BotTables>()

  return {
    /** A message shows this card from now on. The chat's older card of the task stands still. */
    async show(trx: AnyTransaction, chatId: number, mid: string, card: CardShown): Promise<void> {
      await tables.transaction(trx).deleteFrom('bot_cards').where('mid', '=', mid).execute()
      const shown = {
        mid,
        version: card.version,
        max_user_id: card.maxUserId,
        updated_at: database.now(),
      }
      await tables
        .transaction(trx)
        .insertInto('bot_cards')
        .values({ chat_id: chatId, task_id: card.taskId, ...shown })
        .onConflict((conflict) => conflict.columns(['chat_id', 'task_id']).doUpdateSet(shown))
        .execute()
    },

    /** The message shows something else from now on, or is gone. */
    async forget(trx: AnyTransaction, mid: string): Promise<void> {
      await tables.transaction(trx).deleteFrom('bot_cards').where('mid', '=', mid).execute()
    },

    async forgetChat(trx: AnyTransaction, chatId: number): Promise<void> {
      await tables.transaction(trx).deleteFrom('bot_cards').where('chat_id', '=', chatId).execute()
    },

    /** Does the message show this task, as far as we know? */
    async shows(mid: string, taskId: string): Promise<boolean> {
      const row = await tables.kysely
        .selectFrom('bot_cards')
        .select('mid')
        .where('mid', '=', mid)
        .where('task_id', '=', taskId)
        .executeTakeFirst()
      return row !== undefined
    },

    /** The messages that show the task, in whatever version. */
    async of(taskId: string): Promise<CardMessage[]> {
      const rows = await tables.kysely
        .selectFrom('bot_cards')
        .selectAll()
        .where('task_id', '=', taskId)
        .orderBy('updated_at', 'desc')
        .limit(CARDS_LIMIT)
        .execute()
      return rows.map(({ chat_id: chatId, mid, version, max_user_id: maxUserId }) => ({
        chatId,
        mid,
        version,
        maxUserId,
      }))
    },
  }
}

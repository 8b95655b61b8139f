import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import type { BotTables } from './tables.ts'

export interface Offer {
  id: string
  maxUserId: number
  text: string
}

export type Offers = ReturnType<typeof createOffers>

/** Texts that the bot offered to make tasks of: a button's payload is too small to carry one. */
export function createOffers(database: AnyDatabase) {
  const tables = database.as<BotTables>()
  return {
    async get(id: string): Promise<Offer | undefined> {
      const row = await tables.kysely
        .selectFrom('bot_offers')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : { id, maxUserId: row.max_user_id, text: row.text }
    },

    async put(trx: AnyTransaction, { id, maxUserId, text }: Offer): Promise<void> {
      await tables
        .transaction(trx)
        .insertInto('bot_offers')
        .values({ id, max_user_id: maxUserId, text, created_at: database.now() })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute()
    },

    async remove(trx: AnyTransaction, id: string): Promise<void> {
      await tables.transaction(trx).deleteFrom('bot_offers').where('id', '=', id).execute()
    },
  }
}

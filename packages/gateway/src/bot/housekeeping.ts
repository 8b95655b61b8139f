import { sql } from 'kysely'
import type { AnyDatabase } from '@potok/core/database'
import { CLAIM_PREFIX } from './link-claims.ts'
import type { BotTables } from './tables.ts'

export interface Retention {
  dialogMs: number
  offerMs: number
  /** Cards that nobody touched; they still work, but stand still. */
  cardMs: number
  /** Events that were told: how long a repetition is known. */
  eventMs: number
}

/** Removes what is past its retention. */
export async function cleanUp(database: AnyDatabase, retention: Retention): Promise<void> {
  const tables = database.as<BotTables>()
  const before = (ms: number) => sql<number>`${database.now()} - ${ms}`
  await database.write(async (write) => {
    const trx = tables.transaction(write)
    await trx
      .deleteFrom('bot_dialogs')
      .where('updated_at', '<', before(retention.dialogMs))
      .execute()
    await trx.deleteFrom('bot_offers').where('created_at', '<', before(retention.offerMs)).execute()
    await trx.deleteFrom('bot_last_sent').where('sent_at', '<', before(retention.cardMs)).execute()
    await trx
      .deleteFrom('bot_facts')
      .where('name', 'like', `${CLAIM_PREFIX}%`)
      .where('expires_at', '<', database.now())
      .execute()
    await trx.deleteFrom('bot_cards').where('updated_at', '<', before(retention.cardMs)).execute()
    await trx
      .deleteFrom('bot_task_events')
      .where('received_at', '<', before(retention.eventMs))
      .where('told_at', 'is not', null)
      .execute()
  })
}

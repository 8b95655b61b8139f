import { randomUUID } from 'node:crypto'
import type { AnyDatabase } from '@potok/core/database'
import type { Facts } from './facts.ts'
import type { BotTables } from './tables.ts'

export interface ReplicasDeps {
  database: AnyDatabase
  facts: Pick<Facts, 'lease'>
  /** A replica that was silent for so long is gone. */
  silentMs: number
}

const PREFIX = 'replica:'

/** Knows how many processes share the platform's limits: each says now and then that it is there. */
export function createReplicas({ database, facts, silentMs }: ReplicasDeps) {
  const tables = database.as<BotTables>()
  const name = `${PREFIX}${randomUUID()}`
  let present = 1

  async function count(): Promise<number> {
    const { amount } = await tables.kysely
      .selectFrom('bot_facts')
      .select(({ fn }) => fn.countAll().as('amount'))
      .where('name', 'like', `${PREFIX}%`)
      .where('expires_at', '>', database.now())
      .executeTakeFirstOrThrow()
    return Math.max(1, Number(amount))
  }

  return {
    /** Says that this one is there, and looks for the others. */
    async greet(): Promise<void> {
      await database.write(async (trx) => {
        await facts.lease(trx, { name, holder: name, ms: silentMs })
        await tables
          .transaction(trx)
          .deleteFrom('bot_facts')
          .where('name', 'like', `${PREFIX}%`)
          .where('expires_at', '<=', database.now())
          .execute()
      })
      present = await count()
    },
    /** As it was at the last greeting; 1 before. */
    count: (): number => present,
    /** Leaves its share to the others. */
    async leave(): Promise<void> {
      await database.write((trx) =>
        tables.transaction(trx).deleteFrom('bot_facts').where('name', '=', name).execute(),
      )
    },
  }
}

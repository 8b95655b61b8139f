import { sql } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import type { BotTables } from './tables.ts'

export type Facts = ReturnType<typeof createFacts>

/** Single values that outlive a restart, and leases on them that one replica holds. */
export function createFacts(database: AnyDatabase) {
  const tables = database.as<BotTables>()
  return {
    async get(name: string): Promise<unknown> {
      const row = await tables.kysely
        .selectFrom('bot_facts')
        .select('value')
        .where('name', '=', name)
        .executeTakeFirst()
      const value: unknown = row === undefined ? undefined : JSON.parse(row.value)
      return value
    },

    async set(trx: AnyTransaction, name: string, value: unknown): Promise<void> {
      const stored = { value: database.json(value) }
      await tables
        .transaction(trx)
        .insertInto('bot_facts')
        .values({ name, ...stored, holder: null, expires_at: null })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(stored))
        .execute()
    },

    /** Takes or keeps the lease. @returns whether it is the holder's now */
    async lease(
      trx: AnyTransaction,
      { name, holder, ms }: { name: string; holder: string; ms: number },
    ): Promise<boolean> {
      const until = sql<number>`${database.now()} + ${ms}`
      const row = await tables
        .transaction(trx)
        .insertInto('bot_facts')
        .values({ name, value: database.json(null), holder, expires_at: until })
        .onConflict((conflict) =>
          conflict
            .column('name')
            .doUpdateSet({ holder, expires_at: until })
            .where((where) =>
              where.or([
                where('bot_facts.holder', '=', holder),
                where('bot_facts.holder', 'is', null),
                where('bot_facts.expires_at', '<=', database.now()),
              ]),
            ),
        )
        .returning('name')
        .executeTakeFirst()
      return row !== undefined
    },

    async release(trx: AnyTransaction, name: string, holder: string): Promise<void> {
      await tables
        .transaction(trx)
        .updateTable('bot_facts')
        .set({ holder: null, expires_at: null })
        .where('name', '=', name)
        .where('holder', '=', holder)
        .execute()
    },
  }
}

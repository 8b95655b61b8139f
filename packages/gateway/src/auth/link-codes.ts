import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import type { AnyTransaction, Database } from '@potok/core/database'
import { LinkCodesExhausted } from './errors.ts'
import type { AuthTables } from './tables.ts'

/** Tries to find a code that nobody has; a million are there. */
const DRAWS = 8

/** What else is to be stored when a code is spent. */
export type KeepSpent = (trx: AnyTransaction, userId: string) => Promise<void>

export type LinkCodes = ReturnType<typeof createLinkCodes>

/** Codes of six digits that a person says to the bot. Each works once; a new one replaces the person's last. */
export function createLinkCodes({
  database,
  ttlMs,
}: {
  database: Database<AuthTables>
  ttlMs: number
}) {
  return {
    /** @throws LinkCodesExhausted */
    create: (userId: string): Promise<{ code: string; expiresAt: number }> =>
      database.write(async (trx) => {
        await trx
          .deleteFrom('auth_link_codes')
          .where((where) =>
            where.or([where('user_id', '=', userId), where('expires_at', '<=', database.now())]),
          )
          .execute()
        for (let draw = 0; draw < DRAWS; draw += 1) {
          const row = await trx
            .insertInto('auth_link_codes')
            .values({
              code: String(randomInt(1_000_000)).padStart(6, '0'),
              user_id: userId,
              expires_at: sql<number>`${database.now()} + ${ttlMs}`,
            })
            .onConflict((conflict) => conflict.column('code').doNothing())
            .returning(['code', 'expires_at'])
            .executeTakeFirst()
          if (row !== undefined) return { code: row.code, expiresAt: row.expires_at }
        }
        throw new LinkCodesExhausted()
      }),

    /**
     * Whose code it is, once; undefined when it is nobody's or too old.
     * @param keep stores in the same transaction that it was spent
     */
    redeem: (code: string, keep: KeepSpent): Promise<string | undefined> =>
      database.write(async (trx) => {
        const row = await trx
          .deleteFrom('auth_link_codes')
          .where('code', '=', code)
          .returning(['user_id', sql<number>`expires_at - ${database.now()}`.as('left_ms')])
          .executeTakeFirst()
        if (row === undefined || row.left_ms <= 0) return undefined
        await keep(trx, row.user_id)
        return row.user_id
      }),
  }
}

import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import type { Database } from '@potok/core/database'
import { LinkCodesExhausted } from './errors.ts'
import type { AuthTables } from './tables.ts'

/** Tries to find a code that nobody has; a million are there. */
const DRAWS = 8

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

    /** Whose code it is, once; undefined when it is nobody's or too old. */
    redeem: (code: string): Promise<string | undefined> =>
      database.write(async (trx) => {
        const row = await trx
          .deleteFrom('auth_link_codes')
          .where('code', '=', code)
          .returning(['user_id', sql<number>`expires_at - ${database.now()}`.as('left_ms')])
          .executeTakeFirst()
        return row !== undefined && row.left_ms > 0 ? row.user_id : undefined
      }),
  }
}

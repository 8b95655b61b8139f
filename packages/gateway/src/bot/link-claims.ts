import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { Type } from '@sinclair/typebox'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { createParser } from '@potok/core/validation'
import type { BotTables } from './tables.ts'

/** As long as a code is good. */
const CLAIM_MS = 600_000

const parseClaim = createParser(Type.Object({ userId: Type.String() }))

export type LinkClaims = ReturnType<typeof createLinkClaims>

/**
 * Who spent which link code. A code works once, and linking takes calls of the admin service: whoever spent the code and
 * was not linked, because a process died or the service was away, may say it again.
 */
export function createLinkClaims(database: AnyDatabase) {
  const tables = database.as<BotTables>()
  return {
    /** Whose code this person has spent a moment ago. */
    async get(maxUserId: number, code: string): Promise<string | undefined> {
      const row = await tables.kysely
        .selectFrom('bot_facts')
        .select('value')
        .where('name', '=', nameOf(maxUserId, code))
        .where('expires_at', '>', database.now())
        .executeTakeFirst()
      if (row === undefined) return undefined
      const value: unknown = JSON.parse(row.value)
      return parseClaim(value).userId
    },

    /** In the transaction that spends it. */
    async keep(
      trx: AnyTransaction,
      claim: { maxUserId: number; code: string; userId: string },
    ): Promise<void> {
      const { maxUserId, code, userId } = claim
      const kept = {
        value: database.json({ userId }),
        holder: null,
        expires_at: sql<number>`${database.now()} + ${CLAIM_MS}`,
      }
      await tables
        .transaction(trx)
        .insertInto('bot_facts')
        .values({ name: nameOf(maxUserId, code), ...kept })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(kept))
        .execute()
    },
  }
}

/** What housekeeping removes when it is over. */
export const CLAIM_PREFIX = 'link:'

/** No code is readable in the store. */
function nameOf(maxUserId: number, code: string): string {
  const digest = createHash('sha256').update(`${maxUserId} ${code}`).digest('base64url')
  return `${CLAIM_PREFIX}${digest}`
}

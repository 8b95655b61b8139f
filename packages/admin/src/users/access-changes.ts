import { sql, type Transaction } from 'kysely'
import type { AccessChangePage, User } from '@potok/contracts/user'
import { packCursor, unpackCursor } from '../lib/page-cursor.ts'
import type { AdminTables, Store } from '../store/index.ts'
import { CursorInvalid } from './errors.ts'
import type { AccessChangeFilter } from './schemas.ts'

type Sql = Pick<Store, 'now'>

/**
 * Remembers, in the transaction that makes it so, that tokens and sessions from before must not work any more.
 * @param version of the person after the change; those from before have a lower one
 */
export async function recordAccessChange(
  trx: Transaction<AdminTables>,
  { now }: Sql,
  user: Pick<User, 'id' | 'version'>,
): Promise<void> {
  const known = { version: user.version, changed_at: now() }
  await trx
    .insertInto('access_changes')
    .values({ user_id: user.id, ...known })
    .onConflict((conflict) => conflict.column('user_id').doUpdateSet(known))
    .execute()
}

/** Does the change of a person make what was given to them before worthless? */
export const isAccessChange = (before: User, after: User, newHash: string | undefined): boolean =>
  newHash !== undefined ||
  before.active !== after.active ||
  before.roles.toSorted().join() !== after.roles.toSorted().join()

const iso = (ms: number): string => new Date(ms).toISOString()

function positionOf(cursor: string): [number, string] {
  const [changedAt, userId] = unpackCursor(cursor) ?? []
  if (typeof changedAt !== 'number' || typeof userId !== 'string') throw new CursorInvalid()
  return [changedAt, userId]
}

/** Whose access changed and when. Knows no HTTP. */
export function createAccessChanges({ database }: { database: Store }) {
  const { kysely } = database
  return {
    /**
     * A page of changes, oldest first, and the time of the store when they were looked for. A change becomes visible
     * when its transaction ends, which may be later than its time says: ask again for the last seconds.
     * @throws CursorInvalid
     */
    async list({ since, limit = 500, cursor }: AccessChangeFilter): Promise<AccessChangePage> {
      const { now } = await kysely.selectNoFrom(database.now().as('now')).executeTakeFirstOrThrow()
      let changes = kysely.selectFrom('access_changes').selectAll()
      if (since !== undefined) changes = changes.where('changed_at', '>=', Date.parse(since))
      if (cursor !== undefined) {
        const [changedAt, userId] = positionOf(cursor)
        changes = changes.where(sql<boolean>`(changed_at, user_id) > (${changedAt}, ${userId})`)
      }
      const rows = await changes
        .orderBy('changed_at')
        .orderBy('user_id')
        .limit(limit + 1)
        .execute()
      const items = rows.slice(0, limit).map((row) => ({
        userId: row.user_id,
        version: row.version,
        changedAt: iso(row.changed_at),
      }))
      const last = rows[limit - 1]
      const isMore = rows.length > limit && last !== undefined
      return {
        items,
        asOf: iso(now),
        ...(isMore && { nextCursor: packCursor([last.changed_at, last.user_id]) }),
      }
    },

    /** Forgets changes older than `keepMs`: no session from before them is left. @returns how many */
    purge: (keepMs: number): Promise<number> =>
      database.write(async (trx) => {
        const { numDeletedRows } = await trx
          .deleteFrom('access_changes')
          .where('changed_at', '<', sql<number>`${database.now()} - ${keepMs}`)
          .executeTakeFirst()
        return Number(numDeletedRows)
      }),
  }
}

export type AccessChanges = ReturnType<typeof createAccessChanges>

import { sql, type Kysely, type RawBuilder, type Selectable, type Transaction } from 'kysely'
import type { Database } from '@potok/core/database'
import type { AuthSessionTable, AuthTables } from './tables.ts'

export type SessionRow = Selectable<AuthSessionTable>
export type Trx = Transaction<AuthTables>

export type RevocationReason =
  | 'logout'
  | 'ended_by_owner'
  | 'refresh_token_reused'
  | 'person_inactive'
  | 'person_changed'
  | 'too_many_sessions'

type Clock = Pick<Database<AuthTables>, 'now'>

/** So many milliseconds from the database's now. */
export const fromNow = ({ now }: Clock, ms: number): RawBuilder<number> =>
  sql<number>`${now()} + ${ms}`

/** A session and the database's time. */
export const findSession = (db: Kysely<AuthTables>, { now }: Clock, sid: string) =>
  db
    .selectFrom('auth_sessions')
    .selectAll()
    .select(now().as('now'))
    .where('id', '=', sid)
    .executeTakeFirst()

/** The sessions of a person that can be continued, newest first. */
export const livingSessions = (db: Kysely<AuthTables>, { now }: Clock, userId: string) =>
  db
    .selectFrom('auth_sessions')
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now())
    .orderBy('created_at', 'desc')
    .orderBy('id')

/** Ends sessions. @returns how many of them had not ended before */
export async function endSessions(
  trx: Trx,
  { now }: Clock,
  ids: readonly string[],
  reason: RevocationReason,
): Promise<number> {
  if (ids.length === 0) return 0
  const ended = await trx
    .updateTable('auth_sessions')
    .set({ revoked_at: now(), revoked_reason: reason })
    .where('id', 'in', [...ids])
    .where('revoked_at', 'is', null)
    .returning('id')
    .execute()
  return ended.length
}

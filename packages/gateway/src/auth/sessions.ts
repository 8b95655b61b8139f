import { randomUUID } from 'node:crypto'
import type { Database } from '@potok/core/database'
import {
  endSessions,
  findSession,
  fromNow,
  livingSessions,
  type RevocationReason,
  type Trx,
} from './session-rows.ts'
import { judge, refresh, type Refreshed, type Verdict } from './refresh.ts'
import type { AuthTables } from './tables.ts'
import { digestOf, newSeed, type RefreshToken } from './tokens.ts'

export interface NewSession {
  userId: string
  /** Version of the person, as they were when they proved who they are. */
  userVersion: number
  username: string
  /** Network of the client. */
  place: string
  userAgent: string
}

export interface SessionsOptions {
  database: Database<AuthTables>
  /** How long a session lasts after its last refresh, milliseconds. */
  refreshTtlMs: number
  /** How long an access token is good: so long the end of a session must be remembered. */
  accessTtlMs: number
  /** How long the parent of the refresh token in force is answered with that token. */
  parentGraceMs: number
  /** Living sessions of one person; a login beyond ends the oldest. */
  perUser: number
}

export type Sessions = ReturnType<typeof createSessions>

const USER_AGENT_LIMIT = 256

/** Sessions in the store, which is the truth about them. Times are those of the database. */
export function createSessions(options: SessionsOptions) {
  const { database, perUser } = options
  const { kysely } = database

  return {
    /** Opens a session. Returns its first refresh token and the sessions that had to end for it. */
    create: (wanted: NewSession) => database.write((trx) => create(trx, options, wanted)),

    /** What `refresh` would do now, and whose session it is. */
    inspect: async (token: RefreshToken): Promise<{ verdict: Verdict; userId?: string }> => {
      const row = await findSession(kysely, database, token.sid)
      if (row === undefined) return { verdict: 'refused' }
      return { verdict: judge(row, token, row.now, options.parentGraceMs), userId: row.user_id }
    },

    /** Exchanges a refresh token for its child, or ends the session of one that was copied. */
    refresh: (token: RefreshToken): Promise<Refreshed> =>
      database.write((trx) => refresh(trx, options, token)),

    /** The living sessions of a person, newest first. */
    list: (userId: string) =>
      livingSessions(kysely, database, userId).selectAll().limit(perUser).execute(),

    /** Ends a session. @returns false when it has ended before, or is not that person's */
    end: (sid: string, userId: string, reason: RevocationReason): Promise<boolean> =>
      database.write(async (trx) => {
        const row = await findSession(trx, database, sid)
        if (row?.user_id !== userId) return false
        return (await endSessions(trx, database, [sid], reason)) > 0
      }),

    /** Ends all sessions of a person. @returns those that had not ended before */
    endAll: (person: { id: string } | { username: string }) =>
      database.write((trx) => {
        const [column, value] =
          'id' in person
            ? (['user_id', person.id] as const)
            : (['username', person.username.toLowerCase()] as const)
        return trx
          .updateTable('auth_sessions')
          .set({ revoked_at: database.now(), revoked_reason: 'person_changed' })
          .where(column, '=', value)
          .where('revoked_at', 'is', null)
          .returning(['id', 'user_id'])
          .execute()
      }),

    /** Ends the sessions that a person opened before this version of theirs. @returns those that had not ended before */
    endOlder: (userId: string, version: number) => endOlder(options, userId, version),

    /** Has somebody logged in as this name from this network lately? */
    isKnownPlace: async (username: string, place: string): Promise<boolean> => {
      const row = await kysely
        .selectFrom('auth_sessions')
        .select('id')
        .where('username', '=', username)
        .where('place', '=', place)
        .limit(1)
        .executeTakeFirst()
      return row !== undefined
    },

    /** Sessions that ended after `since`, and the database's time when they were looked for. */
    revokedSince: async (since: number) => {
      const { now } = await kysely.selectNoFrom(database.now().as('now')).executeTakeFirstOrThrow()
      const ended = await kysely
        .selectFrom('auth_sessions')
        .select(['id', 'user_id', 'revoked_at'])
        .where('revoked_at', '>', since)
        .execute()
      return { ended, now }
    },

    /** Forgets sessions that nobody can ask about any more. @returns how many */
    purge: (): Promise<number> => database.write((trx) => purge(trx, options)),
  }
}

async function endOlder(
  { database }: SessionsOptions,
  userId: string,
  version: number,
): Promise<string[]> {
  const older = await livingSessions(database.kysely, database, userId)
    .select('id')
    .where('user_version', '<', version)
    .execute()
  const ids = older.map(({ id }) => id)
  if (ids.length > 0) {
    await database.write((trx) => endSessions(trx, database, ids, 'person_changed'))
  }
  return ids
}

async function create(
  trx: Trx,
  { database, refreshTtlMs, perUser }: SessionsOptions,
  wanted: NewSession,
) {
  const surplus = await livingSessions(trx, database, wanted.userId)
    .select('id')
    .offset(perUser - 1)
    .limit(perUser)
    .execute()
  const ended = surplus.map(({ id }) => id)
  await endSessions(trx, database, ended, 'too_many_sessions')
  const sid = randomUUID()
  const seed = newSeed()
  const row = await trx
    .insertInto('auth_sessions')
    .values({
      id: sid,
      user_id: wanted.userId,
      user_version: wanted.userVersion,
      username: wanted.username,
      place: wanted.place,
      user_agent: wanted.userAgent.slice(0, USER_AGENT_LIMIT),
      created_at: database.now(),
      rotated_at: database.now(),
      expires_at: fromNow(database, refreshTtlMs),
      generation: 1,
      token_digest: digestOf({ seed }),
    })
    .returning('rotated_at')
    .executeTakeFirstOrThrow()
  const token: RefreshToken = { sid, generation: 1, seed, issuedAt: row.rotated_at }
  return { token, ended }
}

async function purge(trx: Trx, { database, accessTtlMs }: SessionsOptions): Promise<number> {
  const { numDeletedRows } = await trx
    .deleteFrom('auth_sessions')
    // The end of a session is remembered as long as one of its access tokens could still be shown.
    .where('expires_at', '<', fromNow(database, -accessTtlMs))
    .executeTakeFirst()
  return Number(numDeletedRows)
}

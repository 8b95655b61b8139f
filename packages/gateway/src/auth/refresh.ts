import type { Database } from '@potok/core/database'
import { endSessions, findSession, fromNow, type SessionRow, type Trx } from './session-rows.ts'
import type { AuthTables } from './tables.ts'
import { digestOf, nextSeed, type RefreshToken } from './tokens.ts'

/** What is to be done with a refresh token that we signed. */
export type Verdict =
  /** It is the one in force. */
  | 'rotate'
  /** It is the parent of the one in force, and so fresh that another tab or a lost answer explains it. */
  | 'repeat'
  /** It was replaced: somebody has a copy. */
  | 'reused'
  | 'refused'

export type Refreshed =
  | { verdict: 'rotate' | 'repeat'; token: RefreshToken }
  | { verdict: 'reused' | 'refused' }

type Judged = Pick<
  SessionRow,
  'generation' | 'token_digest' | 'parent_digest' | 'rotated_at' | 'expires_at' | 'revoked_at'
>

/**
 * Whether a token may be exchanged, by the row of its session.
 * @param now by the database's clock, which the row's times are of
 */
export function judge(
  row: Judged,
  token: RefreshToken,
  now: number,
  parentGraceMs: number,
): Verdict {
  if (row.revoked_at !== null || row.expires_at <= now) return 'refused'
  const behind = row.generation - token.generation
  if (behind === 0) return digestOf(token) === row.token_digest ? 'rotate' : 'refused'
  // Ahead of the store: signed by us, but for a session as it was before the store was set back.
  if (behind < 0) return 'refused'
  if (behind > 1) return 'reused'
  if (digestOf(token) !== row.parent_digest) return 'refused'
  return now - row.rotated_at <= parentGraceMs ? 'repeat' : 'reused'
}

export interface RefreshOptions {
  database: Database<AuthTables>
  refreshTtlMs: number
  parentGraceMs: number
}

/** Exchanges a token in one transaction. Of several who come with the same token at once, all get the same child. */
export async function refresh(
  trx: Trx,
  options: RefreshOptions,
  token: RefreshToken,
): Promise<Refreshed> {
  const { database, parentGraceMs } = options
  // The second round is for one who lost the race for the same token: now it is the parent.
  for (;;) {
    const row = await findSession(trx, database, token.sid)
    if (row === undefined) return { verdict: 'refused' }
    const verdict = judge(row, token, row.now, parentGraceMs)
    switch (verdict) {
      case 'refused':
        return { verdict }
      case 'reused':
        await endSessions(trx, database, [row.id], 'refresh_token_reused')
        return { verdict }
      case 'repeat':
        return { verdict, token: childOf(token, row.rotated_at) }
      case 'rotate': {
        const rotatedAt = await rotate(trx, options, row, token)
        if (rotatedAt !== undefined) return { verdict, token: childOf(token, rotatedAt) }
      }
    }
  }
}

/** The token that follows: always the same one, so that whoever comes twice gets it twice. */
function childOf({ sid, generation, seed }: RefreshToken, issuedAt: number): RefreshToken {
  return { sid, generation: generation + 1, seed: nextSeed(seed), issuedAt }
}

/** @returns when, or undefined when another transaction was first */
async function rotate(
  trx: Trx,
  { database, refreshTtlMs }: RefreshOptions,
  row: SessionRow,
  token: RefreshToken,
): Promise<number | undefined> {
  const changed = await trx
    .updateTable('auth_sessions')
    .set({
      generation: row.generation + 1,
      token_digest: digestOf({ seed: nextSeed(token.seed) }),
      parent_digest: row.token_digest,
      rotated_at: database.now(),
      expires_at: fromNow(database, refreshTtlMs),
    })
    .where('id', '=', row.id)
    .where('generation', '=', row.generation)
    .where('revoked_at', 'is', null)
    .returning('rotated_at')
    .executeTakeFirst()
  return changed?.rotated_at
}

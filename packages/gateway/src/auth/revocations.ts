import type { DatabaseLog } from '@potok/core/database'
import { RevocationsStale } from './errors.ts'
import { createPolling } from './polling.ts'

interface Ended {
  id: string
  user_id: string
  /** Epoch milliseconds by the database's clock. */
  revoked_at: number | null
}

/** A session that ended before its time. */
export interface Revocation {
  sid: string
  userId: string
}

/** Told of a session that ended, and whether that happened on this replica. */
export type RevocationListener = (revocation: Revocation, endedHere: boolean) => void

export interface RevocationsOptions {
  /** Sessions that ended after `since`, and the database's time. */
  load: (since: number) => Promise<{ ended: readonly Ended[]; now: number }>
  /** How long the tokens of an ended session could still be shown, milliseconds. */
  accessTtlMs: number
  /** Between two looks at the table. */
  pollMs: number
  /** An end may become visible so much later than its time says: the longest transaction. */
  overlapMs: number
  /** Without a successful look for so long nobody is let in. */
  staleAfterMs: number
  log: Pick<DatabaseLog, 'info' | 'error'>
  /** Monotonic milliseconds. */
  now?: () => number
}

export type Revocations = ReturnType<typeof createRevocations>

/**
 * The deny-list: sessions whose access tokens are still in date but must not work. Filled from the session table of all
 * replicas by polling, and at once by what happens on this one.
 */
export function createRevocations(options: RevocationsOptions) {
  const { load, accessTtlMs, pollMs, overlapMs, staleAfterMs, log } = options
  const now = options.now ?? (() => performance.now())
  /** Session → when it ended, by the database's clock. */
  const ended = new Map<string, number>()
  const listeners = new Set<RevocationListener>()
  let since: number | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  let failing = false

  function add(revocation: Revocation, at: number, endedHere: boolean): void {
    const isNew = !ended.has(revocation.sid)
    ended.set(revocation.sid, at)
    if (!isNew) return
    for (const listener of listeners) listener(revocation, endedHere)
  }

  async function look(): Promise<void> {
    const startedAt = now()
    const found = await load(since ?? Number.MIN_SAFE_INTEGER)
    for (const { id, user_id: userId, revoked_at: at } of found.ended) {
      if (at !== null && at > found.now - accessTtlMs) add({ sid: id, userId }, at, false)
    }
    since = found.now - overlapMs
    for (const [sid, at] of ended) if (at <= found.now - accessTtlMs) ended.delete(sid)
    lookedAt = startedAt
  }

  async function poll(): Promise<void> {
    try {
      await look()
      if (failing) log.info('revocations can be read again')
      failing = false
    } catch (error) {
      // Once, not at every poll: the health tells it all the time.
      if (!failing) log.error({ err: error }, 'revocations could not be read')
      failing = true
    }
  }
  const polling = createPolling(poll, pollMs)

  return {
    /** Reads the table for the first time. Rejects when it cannot be read. */
    async start(): Promise<void> {
      await look()
      polling.start()
    },
    /** Looks at once: another replica says that a session has ended. */
    lookNow: (): void => polling.now(),
    stop(): void {
      polling.stop()
      listeners.clear()
    },
    /** For what ended on this replica: it must not wait for the poll. */
    announce: (revocation: Revocation): void =>
      add(revocation, since === undefined ? Date.now() : since + overlapMs, true),
    /** @throws RevocationsStale when the list is too old to say no */
    has(sid: string): boolean {
      if (now() - lookedAt > staleAfterMs) throw new RevocationsStale()
      return ended.has(sid)
    },
    /** Whether its end is known here: for what was let in while it lived. */
    isEnded: (sid: string): boolean => ended.has(sid),
    /** @returns a function that ends the listening */
    onRevoked: (listener: RevocationListener): (() => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

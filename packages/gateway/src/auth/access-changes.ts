import type { DatabaseLog } from '@potok/core/database'
import type { People } from './people.ts'

export interface AccessChangesOptions {
  people: Pick<People, 'accessChanges'>
  /** Ends the sessions that a person opened before this version of theirs. @returns how many */
  endOlder: (userId: string, version: number) => Promise<number>
  /** Between two looks while the admin service answers, milliseconds. */
  pollMs: number
  /** The longest pause between two looks while it does not. */
  maxPauseMs: number
  /** A change may become visible so much later than its time says: the longest transaction. */
  overlapMs: number
  log: Pick<DatabaseLog, 'info' | 'warn'>
}

/**
 * Follows what the admin service says about people's access, whoever changed it: sessions from before a change end. A
 * change that was seen is seen again for a while, which also finds the login that raced with it.
 */
export function createAccessChanges(options: AccessChangesOptions) {
  const { people, endOlder, pollMs, maxPauseMs, overlapMs, log } = options
  let since: string | undefined
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> = Promise.resolve()
  const stopping = new AbortController()
  let failures = 0

  async function look(): Promise<void> {
    let cursor: string | undefined
    let asOf: string | undefined
    do {
      const page = await people.accessChanges({
        ...(since !== undefined && { since }),
        ...(cursor !== undefined && { cursor }),
      })
      for (const { userId, version } of page.items) {
        const ended = await endOlder(userId, version)
        if (ended > 0) log.info({ event: 'auth.person_changed', userId, ended }, 'logged out')
      }
      // The time of the first page: what changes while the others are read is for the next look.
      asOf ??= page.asOf
      cursor = page.nextCursor
    } while (cursor !== undefined && !stopping.signal.aborted)
    since = new Date(Date.parse(asOf) - overlapMs).toISOString()
  }

  async function poll(): Promise<void> {
    try {
      await look()
      if (failures > 0) log.info({}, 'changes of access can be read again')
      failures = 0
    } catch (error) {
      // Once, not at every poll: the health tells it all the time.
      if (failures === 0) log.warn({ err: error }, 'changes of access could not be read')
      failures += 1
    }
    const pause = Math.min(maxPauseMs, pollMs * 2 ** Math.min(failures, 16))
    if (!stopping.signal.aborted) timer = setTimeout(run, failures === 0 ? pollMs : pause)
  }

  function run(): void {
    looking = poll()
  }

  return {
    start: run,
    async stop(): Promise<void> {
      stopping.abort()
      clearTimeout(timer)
      await looking
    },
  }
}

import { performance } from 'node:perf_hooks'
import type { DatabaseLog } from '@potok/core/database'
import type { EventFeed } from '../events/index.ts'
import { createPeriodic } from '../lib/periodic.ts'
import type { Announcements } from './announcements.ts'
import { Follower, type Change } from './follower.ts'

export interface ReplicasDeps {
  feed: EventFeed
  announcements: Announcements
  changed: (changes: readonly Change[]) => void
  reset: () => void
  log: DatabaseLog
  pollMs: number
}

/** What others wrote must be known within a second: what has not been looked at for so long is not given out. */
const STALE_MS = 900

/** Listens to the other replicas: to the event log for their changes, to the store for what is to be forgotten. */
export function listenToReplicas({ announcements, changed, reset, ...rest }: ReplicasDeps) {
  const { feed, log, pollMs } = rest
  const follower = new Follower({
    feed,
    onChanges: changed,
    onReset: reset,
    staleMs: STALE_MS,
    log,
    now: () => performance.now(),
  })
  const looking = createPeriodic({
    run: () => announcements.look(),
    everyMs: pollMs,
    log,
    failure: 'invalidations of other replicas could not be read',
  })
  looking.start()
  return {
    isCurrent: (): boolean => follower.isCurrent,
    async close(): Promise<void> {
      await Promise.all([follower.close(), looking.close()])
    },
  }
}

export type Replicas = ReturnType<typeof listenToReplicas>

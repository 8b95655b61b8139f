import { performance } from 'node:perf_hooks'
import type { DirectJob, DirectJobs } from './direct-jobs.ts'
import type { FoundJob, LaneStats, ListedJob, QueueTotals } from '../queue-options.ts'

/** Before all states under which jobs are stored: these have their turn first. */
export const DIRECT_STATE = -1

const stateOf = ({ waiting }: DirectJob<unknown>) => (waiting ? 'ready' : 'running')

function listedOf(job: DirectJob<unknown>): ListedJob {
  const { id, lane, attempt, createdAt, serial, payload } = job
  return {
    id,
    lane,
    key: null,
    state: stateOf(job),
    attempt,
    dueAt: createdAt,
    enqueuedAt: createdAt,
    payload: JSON.stringify(payload),
    after: { state: DIRECT_STATE, sort: 0, seq: serial },
  }
}

/** What there is in memory, told as the rows are. */
export function createDirectSurvey<Payload>(jobs: DirectJobs<Payload>) {
  return {
    find(id: string): FoundJob | undefined {
      const job = jobs.find(id)
      if (job === undefined) return undefined
      const { lane, attempt, createdAt: dueAt } = job
      return { id, lane, key: null, state: stateOf(job), attempt, dueAt }
    },
    some: (ids: readonly string[]): ListedJob[] =>
      ids.flatMap((id) => {
        const job = jobs.find(id)
        return job === undefined ? [] : [listedOf(job)]
      }),
    ofLane(lane: string, afterSerial: number, limit: number): ListedJob[] {
      const found: ListedJob[] = []
      for (const job of jobs.all()) {
        if (found.length >= limit) break
        if (job.lane === lane && job.serial > afterSerial) found.push(listedOf(job))
      }
      return found
    },
    /** Adds them to what was counted of the rows. */
    addTo(of: (lane: string) => LaneStats | QueueTotals | undefined): void {
      const now = performance.now()
      for (const { lane, waiting, since } of jobs.all()) {
        const stat = of(lane)
        if (stat === undefined) continue
        stat.pending += 1
        if (!waiting) stat.running += 1
        stat.oldestMs = Math.max(stat.oldestMs, Math.round(now - since))
      }
    },
  }
}

export type DirectSurvey = ReturnType<typeof createDirectSurvey>

import type { TSchema, Static } from '@sinclair/typebox'
import type { JobRow } from '../job-row.ts'
import type { Job } from '../queue-options.ts'
import type { QueueSettings } from '../queue-defaults.ts'
import { Settler, type Finished } from '../settler.ts'
import { createDirect } from './direct.ts'
import { DirectJobs, type DirectJob, type Places } from './direct-jobs.ts'

/** Outcomes that are stored together: they hold no place meanwhile. */
const BATCH = 500
/** How long they wait for one another while others are under way. */
const GATHER_MS = 25
/** Batches that wait to be stored before no more jobs are started. */
const BATCHES_WAITING = 4

export const isDirect = <Payload>(row: JobRow | DirectJob<Payload>): row is DirectJob<Payload> =>
  'place' in row

export const isRow = <Payload>(row: JobRow | DirectJob<Payload>): row is JobRow => !isDirect(row)

/** As its worker sees it. */
export const jobOf = <Payload>(direct: DirectJob<Payload>): Job<Payload> => {
  const { id, lane, payload, attempt, leases, createdAt } = direct
  return { id, lane, key: null, payload, attempt, leases, enqueuedAt: createdAt }
}

interface Surroundings<Payload, Result> {
  places: Places<Payload>
  onEnd: (finished: Finished<Payload, Result, DirectJob<Payload>>, accepted: boolean) => void
  /** There may be places for rows. */
  look: () => void
  /** There are rows that may be claimed. */
  wake: () => void
}

/** Everything of a queue that concerns direct jobs. */
export function createDirectSide<Tables, Payload extends TSchema, Result>(
  options: QueueSettings<Tables, Payload, Result>,
  { places, onEnd, look, wake }: Surroundings<Static<Payload>, Result>,
) {
  type Row = DirectJob<Static<Payload>>
  const { directLimit: limit, concurrency, laneLimit, settled } = options
  const clogged = (): boolean => settler.waiting >= BATCH * BATCHES_WAITING
  const jobs = new DirectJobs<Static<Payload>>({ limit, concurrency, laneLimit, places, clogged })
  const direct = createDirect({ ...options, jobs, wake })
  const settler: Settler<Tables, Static<Payload>, Result, Row> = new Settler({
    ...options,
    settled,
    settlements: direct.settlements,
    batch: BATCH,
    gatherMs: Math.max(options.gatherMs, GATHER_MS),
    // Those that wait are started by the next turn of the loop.
    running: () => jobs.running + jobs.waiting + settler.waiting,
    onEnd(finished, accepted) {
      onEnd(finished, accepted)
      if (accepted) jobs.forget(finished.row)
      else direct.giveBack(finished.row)
    },
    onRoom() {
      jobs.fill()
      look()
    },
  })

  return {
    ...direct,
    async leave(): Promise<void> {
      settler.close()
      await direct.leave()
    },
    jobs,
    flushed: () => settler.flushed(),
    settle: (finished: Finished<Static<Payload>, Result, Row>): void => settler.add(finished),
    /** Its worker did not come to an end. */
    abandoned(row: Row): void {
      jobs.ended()
      direct.giveBack(row)
    },
  }
}

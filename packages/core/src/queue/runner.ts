import { performance } from 'node:perf_hooks'
import type { Static, TSchema } from '@sinclair/typebox'
import { createParser } from '../validation/index.ts'
import { createClaims } from './claims.ts'
import { createDirect } from './direct.ts'
import { DirectJobs, type DirectJob } from './direct-jobs.ts'
import { Dispatcher } from './dispatcher.ts'
import type { JobRow } from './job-row.ts'
import type { withDefaults } from './queue-defaults.ts'
import type { Job, Outcome, QueueCounters } from './queue-options.ts'
import { createRowSettlements } from './settlements.ts'
import { Settler } from './settler.ts'
import { Workers } from './workers.ts'

/** Reads a stored job. @throws ValueRefused its payload fits the schema no more */
const createJobReader = <Payload extends TSchema>(payload: Payload) => {
  const parse = createParser(payload)
  return (row: JobRow): Job<Static<Payload>> => ({
    id: row.id,
    lane: row.lane,
    key: row.job_key,
    payload: parse(JSON.parse(row.payload)),
    attempt: row.attempt,
    leases: row.leases,
    enqueuedAt: row.created_at,
  })
}

/** Outcomes of direct jobs that are stored together: they hold no place meanwhile. */
const DIRECT_BATCH = 500
/** How long they wait for one another while others are under way. */
const DIRECT_GATHER_MS = 25
/** Batches that wait to be stored before no more direct jobs are started. */
const DIRECT_BATCHES = 4
/** What of the places direct jobs that wait leave to rows. */
const SHARE_OF_ROWS = 3 / 4

const isDirect = <Payload>(row: JobRow | DirectJob<Payload>): row is DirectJob<Payload> =>
  'place' in row

const isRow = <Payload>(row: JobRow | DirectJob<Payload>): row is JobRow => !isDirect(row)

const jobOf = <Payload>({ id, lane, payload, attempt, leases, createdAt }: DirectJob<Payload>) => ({
  id,
  lane,
  key: null,
  payload,
  attempt,
  leases,
  enqueuedAt: createdAt,
})

/** Everything of a queue that takes up, runs and settles. */
export function createRunner<Tables, Payload extends TSchema, Result>(
  options: ReturnType<typeof withDefaults<Tables, Payload, Result>>,
  counters: QueueCounters,
) {
  type Direct = DirectJob<Static<Payload>>
  const { database, name, leaseMs, maxLeases, concurrency, laneLimit, settled } = options
  const count = (outcome: Outcome, accepted: boolean): void => {
    const kind = outcome.status === 'retry' ? 'retried' : outcome.status
    counters[accepted ? kind : 'lost'] += 1
  }
  const settlements = createRowSettlements(database, name, options.retryYieldMs)
  const settler = new Settler<Tables, Static<Payload>, Result, JobRow>({
    ...options,
    settled,
    settlements,
    onEnd({ row, outcome }, accepted) {
      count(outcome, accepted)
      workers.end(row)
      directJobs.fill()
    },
    onRoom: () => dispatcher.look(),
    running: () => workers.running - directJobs.running,
    next: {
      claimAfter: (trx, ending) => dispatcher.claimAfter(trx, ending),
      claimed: (claim, committed) => dispatcher.claimed(claim, committed),
    },
  })
  const read = createJobReader(options.payload)
  const workers = new Workers<Static<Payload>, Result, JobRow | Direct>({
    ...options,
    read: (row) => (isDirect(row) ? jobOf(row) : read(row)),
    counters,
    onFinished({ row, ...rest }) {
      if (!isDirect(row)) return settler.add({ row, ...rest })
      workers.end(row)
      directSettler.add({ row, ...rest })
      return directJobs.ended()
    },
    onAbandoned(row) {
      if (isDirect(row)) {
        directJobs.ended()
        void direct.giveBack(row)
      }
      dispatcher.look()
    },
  })
  const directJobs: DirectJobs<Static<Payload>> = new DirectJobs<Static<Payload>>({
    limit: options.directLimit,
    concurrency,
    laneLimit,
    places: workers,
    clogged: (): boolean => directSettler.waiting >= DIRECT_BATCH * DIRECT_BATCHES,
  })
  const direct: ReturnType<typeof createDirect<Static<Payload>>> = createDirect({
    ...options,
    jobs: directJobs,
    wake: () => dispatcher.wake(true),
  })
  const directSettler: Settler<Tables, Static<Payload>, Result, Direct> = new Settler({
    ...options,
    settled,
    settlements: direct.settlements,
    batch: DIRECT_BATCH,
    gatherMs: Math.max(options.gatherMs, DIRECT_GATHER_MS),
    running: () => directJobs.running + directSettler.waiting,
    onEnd({ row, outcome }, accepted) {
      count(outcome, accepted)
      if (accepted) directJobs.forget(row)
      else void direct.giveBack(row)
    },
    onRoom() {
      directJobs.fill()
      dispatcher.look()
    },
  })
  const claims = createClaims(database, name, {
    ...options,
    runningHere: (lane) => workers.ofLane(lane),
  })
  const dispatcher = new Dispatcher({
    ...options,
    claims,
    settlements,
    workers: {
      get free() {
        const most = directJobs.waiting > 0 ? Math.ceil(concurrency * SHARE_OF_ROWS) : concurrency
        return Math.min(workers.free, most - (workers.running - directJobs.running))
      },
      start: (row) => workers.start(row),
      idle: () => workers.idle(),
      interrupt: () => workers.interrupt(),
      abandon: () => workers.abandon().filter(isRow),
    },
    flushed: async () => void (await Promise.all([settler.flushed(), directSettler.flushed()])),
    onClaimed: (jobs) => void (counters.claimed += jobs),
    onPoisoned: (row) => {
      const reason = `taken up ${maxLeases} times without an outcome`
      const leaseEnds = performance.now() + leaseMs
      const job = readable(read, row)
      settler.add({ row, job, outcome: { status: 'dead', reason }, leaseEnds })
    },
  })
  return { dispatcher, direct, directJobs }
}

function readable<J>(read: (row: JobRow) => J, row: JobRow): J | undefined {
  try {
    return read(row)
  } catch {
    // A payload that is refused now is dead all the same; there is only nobody to tell it to.
    return undefined
  }
}

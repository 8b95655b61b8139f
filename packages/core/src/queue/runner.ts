import { performance } from 'node:perf_hooks'
import type { Static, TSchema } from '@sinclair/typebox'
import { createParser } from '../validation/index.ts'
import { createClaims } from './claims.ts'
import type { DirectJob } from './direct/direct-jobs.ts'
import { createDirectSide, isDirect, isRow, jobOf } from './direct/side.ts'
import { Dispatcher, type Places } from './dispatcher.ts'
import type { JobRow } from './job-row.ts'
import type { QueueSettings } from './queue-defaults.ts'
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

/** What direct jobs that wait leave of the places to rows. */
const SHARE_OF_ROWS = 3 / 4

/** Everything of a queue that takes up, runs and settles. */
export function createRunner<Tables, Payload extends TSchema, Result>(
  options: QueueSettings<Tables, Payload, Result>,
  counters: QueueCounters,
) {
  const { concurrency } = options
  const count = ({ outcome }: { outcome: Outcome }, accepted: boolean): void => {
    const kind = outcome.status === 'retry' ? 'retried' : outcome.status
    counters[accepted ? kind : 'lost'] += 1
  }
  const read = createJobReader(options.payload)
  const workers = new Workers<Static<Payload>, Result, JobRow | DirectJob<Static<Payload>>>({
    ...options,
    counters,
    read: (row) => (isDirect(row) ? jobOf(row) : read(row)),
    onFinished({ row, ...rest }) {
      if (isRow(row)) return rows.settler.add({ row, ...rest })
      if (workers.end(row)) direct.jobs.ended()
      // Nobody else can take it meanwhile: its outcome is worth waiting for.
      return direct.settle({ row, ...rest, leaseEnds: Number.POSITIVE_INFINITY })
    },
    onAbandoned(row) {
      if (isDirect(row)) direct.abandoned(row)
      else direct.jobs.fill()
      rows.dispatcher.look()
    },
  })
  const direct = createDirectSide(options, {
    places: workers,
    onEnd: count,
    look: () => rows.dispatcher.look(),
    wake: () => rows.dispatcher.wake(true),
  })
  const places = {
    get free(): number {
      const most = direct.jobs.waiting > 0 ? Math.ceil(concurrency * SHARE_OF_ROWS) : concurrency
      return Math.min(workers.free, most - places.running)
    },
    get running(): number {
      return workers.running - direct.jobs.running
    },
    ofLane: (lane: string) => workers.ofLane(lane),
    reserve: (claimed: readonly JobRow[]) => workers.reserve(claimed),
    unreserve: (claimed: readonly JobRow[]) => workers.unreserve(claimed),
    start: (row: JobRow) => workers.start(row),
    end(row: JobRow): void {
      workers.end(row)
      direct.jobs.fill()
    },
    idle: () => workers.idle(),
    interrupt: () => workers.interrupt(),
    abandon: () => workers.abandon().filter(isRow),
    flushed: () => direct.flushed(),
  }
  const rows = createRowSide(options, { counters, count, read, places })
  return { dispatcher: rows.dispatcher, direct }
}

interface RowSurroundings<Payload> {
  counters: QueueCounters
  count: (finished: { outcome: Outcome }, accepted: boolean) => void
  read: (row: JobRow) => Job<Payload>
  places: Places & {
    readonly running: number
    ofLane: (lane: string) => number
    end: (row: JobRow) => void
    flushed: () => Promise<void>
  }
}

/** Everything of a queue that concerns rows, which are claimed. */
function createRowSide<Tables, Payload extends TSchema, Result>(
  options: QueueSettings<Tables, Payload, Result>,
  { counters, count, read, places }: RowSurroundings<Static<Payload>>,
) {
  const { database, name, leaseMs, maxLeases, settled } = options
  const settlements = createRowSettlements(database, name, options.retryYieldMs)
  const settler: Settler<Tables, Static<Payload>, Result, JobRow> = new Settler({
    ...options,
    settled,
    settlements,
    onEnd(finished, accepted) {
      count(finished, accepted)
      places.end(finished.row)
    },
    onRoom: () => dispatcher.look(),
    running: () => places.running,
    next: {
      claimAfter: (trx, ending) => dispatcher.claimAfter(trx, ending),
      claimed: (claim, committed) => dispatcher.claimed(claim, committed),
    },
  })
  const claims = createClaims(database, name, {
    ...options,
    runningHere: (lane) => places.ofLane(lane),
  })
  const dispatcher = new Dispatcher({
    ...options,
    claims,
    settlements,
    workers: places,
    flushed: async () => void (await Promise.all([settler.flushed(), places.flushed()])),
    onClaimed: (jobs) => void (counters.claimed += jobs),
    onPoisoned: (row) => {
      const reason = `taken up ${maxLeases} times without an outcome`
      const leaseEnds = performance.now() + leaseMs
      const job = readable(read, row)
      settler.add({ row, job, outcome: { status: 'dead', reason }, leaseEnds })
    },
  })
  return { settler, dispatcher }
}

function readable<J>(read: (row: JobRow) => J, row: JobRow): J | undefined {
  try {
    return read(row)
  } catch {
    // A payload that is refused now is dead all the same; there is only nobody to tell it to.
    return undefined
  }
}

import { performance } from 'node:perf_hooks'
import type { Static, TSchema } from '@sinclair/typebox'
import { createParser } from '../validation/index.ts'
import { createClaims } from './claims.ts'
import { Dispatcher } from './dispatcher.ts'
import type { JobRow } from './job-row.ts'
import type { withDefaults } from './queue-defaults.ts'
import type { Job, QueueCounters } from './queue-options.ts'
import { createSettlements } from './settlements.ts'
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

/** Everything of a queue that takes up, runs and settles. */
export function createRunner<Tables, Payload extends TSchema, Result>(
  options: ReturnType<typeof withDefaults<Tables, Payload, Result>>,
  counters: QueueCounters,
): Dispatcher {
  const { database, name, leaseMs, maxLeases } = options
  const settlements = createSettlements(database, name, options.retryYieldMs)
  const settler = new Settler<Tables, Static<Payload>, Result>({
    ...options,
    settled: options.settled,
    settlements,
    onEnd: ({ row, outcome }, accepted) => {
      const kind = outcome.status === 'retry' ? 'retried' : outcome.status
      counters[accepted ? kind : 'lost'] += 1
      workers.end(row)
    },
    onRoom: () => dispatcher.look(),
    running: () => workers.running,
    claimAfter: (trx, ending) => dispatcher.claimAfter(trx, ending),
    claimed: (claim, committed) => dispatcher.claimed(claim, committed),
  })
  const read = createJobReader(options.payload)
  const workers = new Workers<Static<Payload>, Result>({
    ...options,
    read,
    counters,
    onFinished: (finished) => settler.add(finished),
    onAbandoned: () => dispatcher.look(),
  })
  const claims = createClaims(database, name, {
    ...options,
    runningHere: (lane) => workers.ofLane(lane),
  })
  const dispatcher = new Dispatcher({
    ...options,
    claims,
    settlements,
    workers,
    flushed: () => settler.flushed(),
    onClaimed: (jobs) => void (counters.claimed += jobs),
    onPoisoned: (row) => {
      const reason = `taken up ${maxLeases} times without an outcome`
      const leaseEnds = performance.now() + leaseMs
      const job = readable(read, row)
      settler.add({ row, job, outcome: { status: 'dead', reason }, leaseEnds })
    },
  })
  return dispatcher
}

function readable<J>(read: (row: JobRow) => J, row: JobRow): J | undefined {
  try {
    return read(row)
  } catch {
    // A payload that is refused now is dead all the same; there is only nobody to tell it to.
    return undefined
  }
}

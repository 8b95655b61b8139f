import { performance } from 'node:perf_hooks'
import { sql } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '../database/index.ts'
import { dialectOf } from './dialect-of.ts'
import { JOB_COLUMNS, type JobRow } from './job-row.ts'
import { createLaneTurns, type LaneRow } from './lane-turns.ts'
import type { Pick } from './queue-dialect.ts'
import { shareOut } from './share-out.ts'

export interface ClaimOptions {
  leaseMs: number
  maxLeases: number
  batch: number
  lanesAClaim: number
  lanesSeen: number
  laneLimit: (lane: string) => number
  onClaim?: ((durationMs: number, jobs: number) => void) | undefined
  /** Jobs of a lane that run in this process, whatever became of their leases. */
  runningHere: (lane: string) => number
}

interface Probe {
  /** A claim could find something. */
  ready: boolean
  /** Something has become due, or a lease has ended. */
  due: boolean
  /** Milliseconds until the next does. */
  dueInMs: number | undefined
}

/** How many jobs, by lane. */
export type Ending = ReadonlyMap<string, number>

const NONE_ENDING: Ending = new Map()

export interface Claim {
  jobs: JobRow[]
  /** Taken up too often without being settled. */
  poisoned: JobRow[]
}

function duties(database: AnyDatabase, queue: string, { batch, leaseMs }: ClaimOptions) {
  const { now } = database
  const { skipLocked } = dialectOf(database)
  return {
    becomeDue: database.statement<object>()(
      () => sql`update queue_jobs set state = 0 where seq in (
        select seq from queue_jobs where queue = ${queue} and state = 3 and run_at <= ${now()}
        order by run_at limit ${batch} ${skipLocked})`,
    ),
    expired: database.statement<object>()(
      () => sql<JobRow>`
        select ${JOB_COLUMNS} from queue_jobs
        where queue = ${queue} and state = 1 and lease_until <= ${now()}
        order by lease_until limit ${batch} ${skipLocked}`,
    ),
    giveBack: database.statement<{ seqs: string }>()(
      (slot) => sql`update queue_jobs set state = 0, lease_until = null
        where seq in (select seq from ${database.rows(slot('seqs'), { seq: 'bigint' })} as g)`,
    ),
    takeOver: database.statement<{ seqs: string }>()(
      (slot) => sql<JobRow>`
        update queue_jobs set fence = fence + 1, lease_until = ${now()} + ${leaseMs}
        where seq in (select seq from ${database.rows(slot('seqs'), { seq: 'bigint' })} as g)
        returning ${JOB_COLUMNS}`,
    ),
  }
}

function looks(database: AnyDatabase, queue: string) {
  const { now } = database
  return {
    probe: database.statement<object>()(
      () => sql<{ ready: number | null; due: number | null; at: number }>`
        select (select 1 from queue_jobs where queue = ${queue} and state = 0 limit 1) as ready,
          (select min(at) from (
            select (select run_at from queue_jobs
              where queue = ${queue} and state = 3 order by run_at limit 1) as at
            union all
            select (select lease_until from queue_jobs
              where queue = ${queue} and state = 1 order by lease_until limit 1)) as d) as due,
          ${now()} as at`,
    ),
    leased: database.statement<object>()(
      () => sql<{ lane: string; leased: number }>`
        select lane, count(*) as leased from queue_jobs
        where queue = ${queue} and state = 1 group by lane`,
    ),
  }
}

/** After a release the limit grows from 1 to the lane's own: what was held does not fall on a receiver at once. */
function rampedLimit(limit: number, { ramp_from, ramp_ms, at }: LaneRow): number {
  if (ramp_ms === 0 || at >= ramp_from + ramp_ms) return limit
  return Math.max(1, Math.floor((limit * (at - ramp_from)) / ramp_ms))
}

const seqsOf = (rows: readonly JobRow[]): string => JSON.stringify(rows.map(({ seq }) => ({ seq })))

export type Claims = ReturnType<typeof createClaims>

/** Takes up jobs: fair over lanes, in order within a key, as many as there is room for. */
export function createClaims(database: AnyDatabase, queue: string, options: ClaimOptions) {
  const duty = duties(database, queue, options)
  const look = looks(database, queue)
  const dialect = dialectOf(database)
  const takeTurn = dialect.createTurn(database, queue)
  const pick = dialect.createPick(database, queue, options.leaseMs)
  const turns = createLaneTurns(database, queue, options.lanesSeen)

  async function rooms(trx: AnyTransaction, ending: Ending): Promise<Pick[]> {
    const { rows } = await look.leased({}, trx)
    const leased = new Map(rows.map((row) => [row.lane, row.leased] as const))
    // Those that run may be full: they must not take the places of others in this look.
    const lanes = await turns.next(trx, options.lanesAClaim + leased.size)
    return lanes
      .map((row) => {
        const here = options.runningHere(row.lane) - (ending.get(row.lane) ?? 0)
        const running = Math.max(leased.get(row.lane) ?? 0, here)
        return {
          lane: row.lane,
          room: rampedLimit(options.laneLimit(row.lane), row) - running,
        }
      })
      .filter(({ room }) => room > 0)
  }

  /** Jobs whose holder did not settle in time. */
  async function reclaim(trx: AnyTransaction): Promise<JobRow[]> {
    const { rows } = await duty.expired({}, trx)
    const poisoned = rows.filter(({ leases }) => leases >= options.maxLeases)
    const back = rows.filter(({ leases }) => leases < options.maxLeases)
    if (back.length > 0) await duty.giveBack({ seqs: seqsOf(back) }, trx)
    if (poisoned.length === 0) return []
    return (await duty.takeOver({ seqs: seqsOf(poisoned) }, trx)).rows
  }

  return {
    /** Reads whether a claim could find something. */
    async probe(): Promise<Probe> {
      const [row] = (await look.probe({})).rows
      const dueInMs = row === undefined || row.due === null ? undefined : row.due - row.at
      const due = dueInMs !== undefined && dueInMs <= 0
      return { ready: due || row?.ready === 1, due, dueInMs }
    },
    /**
     * @param free places in this process
     * @param due also look for what has become due and for leases that ended
     * @param ending jobs that still run here, and are settled before this in the same transaction
     */
    async claim(
      trx: AnyTransaction,
      free: number,
      due: boolean,
      ending: Ending = NONE_ENDING,
    ): Promise<Claim> {
      const startedAt = performance.now()
      await takeTurn(trx)
      const poisoned = due ? await reclaim(trx) : []
      if (due) await duty.becomeDue({}, trx)
      const picks = shareOut(await rooms(trx, ending), Math.min(free, options.batch))
      const last = picks.at(-1)
      if (last !== undefined) turns.goOnBehind(last.lane)
      const jobs = await pick(trx, picks)
      options.onClaim?.(performance.now() - startedAt, jobs.length)
      return { jobs: jobs.toSorted((a, b) => a.sort - b.sort || a.seq - b.seq), poisoned }
    },
  }
}

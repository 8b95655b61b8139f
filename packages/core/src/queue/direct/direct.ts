import { setTimeout as delay } from 'node:timers/promises'
import type { AnyDatabase, AnyTransaction, DatabaseLog } from '../../database/index.ts'
import { createBundles, type Bundled, type Place, type Stored } from './bundles.ts'
import { dialectOf } from '../dialect-of.ts'
import type { DirectJob, DirectJobs } from './direct-jobs.ts'
import type { NewJob } from '../queue-options.ts'
import { createDirectSettlements } from './settlements.ts'
import { createUnbundle, type Loose } from './unbundle.ts'

/** Between two attempts to store what cannot be left as it is. */
const AGAIN_MS = 1000

const NO_LANES: ReadonlySet<string> = new Set()

export interface DirectOptions<Payload> {
  database: AnyDatabase
  name: string
  retryYieldMs: number
  jobs: DirectJobs<Payload>
  log: DatabaseLog
  /** There are rows that may be claimed. */
  wake: () => void
}

const isPlain = <Job extends NewJob<unknown>>(job: Job): job is Job & { id: string } => {
  const { id, key, delayMs = 0, dedupeKey, priority = 0 } = job
  return (
    id !== undefined &&
    key === undefined &&
    delayMs <= 0 &&
    dedupeKey === undefined &&
    priority === 0
  )
}

/** As a row, which it becomes when it is taken out of its bundle without having been done. */
const looseOf = ({ id, lane, payload, created_at }: Stored, leases = 0): Loose => ({
  id,
  lane,
  payload: JSON.stringify(payload),
  attempt: 1,
  leases,
  created_at,
})

const isSame = (one: Place, other: Place): boolean =>
  one.bundle === other.bundle && one.n === other.n

/** Taking jobs out of their bundles, in the transaction of whoever wants them elsewhere. */
function createTakingOut<Payload>(
  { database, jobs }: DirectOptions<Payload>,
  bundles: ReturnType<typeof createBundles>,
  unbundle: ReturnType<typeof createUnbundle>,
) {
  const memoryOf = ({ id, place }: Stored): DirectJob<Payload> | undefined => {
    const known = jobs.find(id)
    return known !== undefined && isSame(known.place, place) ? known : undefined
  }

  /** @param running also what runs: its outcome is refused */
  async function takeOut(
    trx: AnyTransaction,
    wanted: (job: Stored) => boolean,
    running: boolean,
  ): Promise<Stored[]> {
    if (!dialectOf(database).belongsToOne) return []
    const found = (await bundles.unsettled(trx)).filter(
      (job) => wanted(job) && (running || memoryOf(job)?.waiting !== false),
    )
    await bundles.take(trx, found)
    database.afterCommit(trx, () => {
      for (const job of found) {
        const known = memoryOf(job)
        if (known !== undefined) jobs.forget(known)
      }
    })
    return found
  }

  /** What does not run goes on as rows. @returns how many */
  async function intoRows(trx: AnyTransaction, wanted: (job: Stored) => boolean): Promise<number> {
    const found = await takeOut(trx, wanted, false)
    const loose = found.map((job) => looseOf(job))
    await unbundle.insert(trx, loose)
    return found.length
  }

  return { takeOut, intoRows }
}

/** The lanes that have room in memory for what is given. */
function roomyLanes<Payload>(
  jobs: DirectJobs<Payload>,
  given: readonly NewJob<Payload>[],
): string[] {
  const sizes = new Map<string, number>()
  for (const { lane } of given) sizes.set(lane, (sizes.get(lane) ?? 0) + 1)
  return [...sizes].flatMap(([lane, size]) =>
    jobs.hasRoom(lane, size, given.length) ? [lane] : [],
  )
}

/** Storing what may go directly. */
function createPut<Payload>(
  { database, jobs }: DirectOptions<Payload>,
  bundles: ReturnType<typeof createBundles>,
) {
  const enabled = dialectOf(database).belongsToOne
  return async (
    trx: AnyTransaction,
    given: readonly NewJob<Payload>[],
  ): Promise<{ ids: string[]; rest: readonly NewJob<Payload>[] }> => {
    const lanes = enabled ? roomyLanes(jobs, given) : []
    const free = lanes.length === 0 ? NO_LANES : await bundles.free(trx, lanes)
    if (free.size === 0) return { ids: [], rest: given }
    const plain: Bundled<Payload>[] = []
    const rest: NewJob<Payload>[] = []
    for (const job of given) {
      if (free.has(job.lane) && isPlain(job)) plain.push(job)
      else rest.push(job)
    }
    const stored = await bundles.put(trx, plain)
    database.afterCommit(trx, () => jobs.add(stored))
    return { ids: stored.map(({ id }) => id), rest }
  }
}

/** Does what nobody else would do until it is done, or all is closed. */
function createInsistence<Payload>({ database, name, log }: DirectOptions<Payload>) {
  const closing = new AbortController()
  const isOpen = (): boolean => !closing.signal.aborted

  async function insist(
    complaint: string,
    write: (trx: AnyTransaction) => Promise<void>,
  ): Promise<void> {
    while (isOpen()) {
      try {
        await database.write(write)
        return
      } catch (error) {
        log.warn({ context: 'Queue', queue: name, err: error }, complaint)
        await delay(AGAIN_MS, undefined, { ref: false })
      }
    }
  }

  return { insist, isOpen, close: (): void => closing.abort() }
}

/**
 * Jobs that are stored in bundles and go to their workers from memory. Whatever stops that, a held lane, a closed process,
 * a worker that does not come to an end, makes rows of them, which are claimed like any other.
 */
export function createDirect<Payload>(options: DirectOptions<Payload>) {
  const { database, name, retryYieldMs, jobs, log, wake } = options
  const bundles = createBundles(database, name)
  const unbundle = createUnbundle(database, name, retryYieldMs)
  const { takeOut, intoRows } = createTakingOut(options, bundles, unbundle)
  const { insist, isOpen, close } = createInsistence(options)

  return {
    settlements: createDirectSettlements<Payload>(bundles, unbundle),

    /** Stores what may go directly. @returns its ids, and the rest, which is to become rows */
    put: createPut(options, bundles),

    /** Makes rows of what an earlier process left, then lets jobs come. */
    async start(): Promise<void> {
      let found = 0
      await insist('the jobs of an earlier process wait to be taken over', async (trx) => {
        found = await intoRows(trx, () => true)
      })
      if (found > 0) {
        const fields = { context: 'Queue', queue: name, jobs: found }
        log.info(fields, 'took over jobs that an earlier process had in memory')
        wake()
      }
      if (isOpen()) jobs.open()
    },

    close(): void {
      close()
      jobs.close()
    },

    /** A worker did not end in time, or its outcome was not stored: if the job is still there it becomes a row. */
    async giveBack(job: DirectJob<Payload>): Promise<void> {
      const { id, lane, payload, place, createdAt: created_at, leases } = job
      const stored = { id, lane, payload, place, created_at }
      await insist('a job waits to be given back', async (trx) => {
        const isOurs = await bundles.take(trx, [stored])
        if (isOurs(stored)) await unbundle.insert(trx, [looseOf(stored, leases)])
      })
      jobs.forget(job)
      wake()
    },

    /** Those of the lane that wait become rows. */
    hold: (trx: AnyTransaction, lane: string): Promise<number> =>
      intoRows(trx, (job) => job.lane === lane),

    /** @returns how many were unfinished */
    cancel: async (trx: AnyTransaction, lane: string): Promise<number> =>
      (await takeOut(trx, (job) => job.lane === lane, true)).length,

    /** Removes those that do not run. @returns their ids */
    async skip(trx: AnyTransaction, ids: readonly string[]): Promise<string[]> {
      const wanted = new Set(ids.filter((id) => jobs.find(id) !== undefined))
      if (wanted.size === 0) return []
      return (await takeOut(trx, ({ id }) => wanted.has(id), false)).map(({ id }) => id)
    },
  }
}

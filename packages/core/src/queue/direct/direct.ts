import { setTimeout as delay } from 'node:timers/promises'
import type { AnyDatabase, AnyTransaction, DatabaseLog } from '../../database/index.ts'
import { createBundles, type Bundled } from './bundles.ts'
import { dialectOf } from '../dialect-of.ts'
import type { DirectJob, DirectJobs } from './direct-jobs.ts'
import type { NewJob } from '../queue-options.ts'
import { createDirectSettlements } from './settlements.ts'
import { createTakingOut, looseOf, storedFrom } from './taking-out.ts'
import { createUnbundle } from './unbundle.ts'

/** Between two attempts to store what cannot be left as it is. */
const AGAIN_MS = 1000

const LEFT_BEHIND = 'the jobs of an earlier process wait to be taken over'

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

interface GivingBack {
  bundles: ReturnType<typeof createBundles>
  unbundle: ReturnType<typeof createUnbundle>
  insist: ReturnType<typeof createInsistence>['insist']
  isOpen: () => boolean
}

/** Making rows of jobs whose workers failed them, all that have come up together. */
function createGivingBack<Payload>(
  { jobs, wake }: DirectOptions<Payload>,
  { bundles, unbundle, insist, isOpen }: GivingBack,
) {
  const leaving = new Set<DirectJob<Payload>>()

  async function giveBack(): Promise<void> {
    while (leaving.size > 0 && isOpen()) {
      const given = [...leaving]
      await insist('jobs wait to be given back', async (trx) => {
        const isOurs = await bundles.take(trx, given)
        const loose = given.filter(isOurs).map((job) => looseOf(storedFrom(job), job.leases))
        await unbundle.insert(trx, loose)
      })
      for (const job of given) {
        leaving.delete(job)
        jobs.forget(job)
      }
      wake()
    }
  }

  return (job: DirectJob<Payload>): void => {
    leaving.add(job)
    if (leaving.size === 1) void giveBack()
  }
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
  const giveBack = createGivingBack(options, { bundles, unbundle, insist, isOpen })

  let found = 0
  const takeOver = async (trx: AnyTransaction): Promise<void> => {
    found = await intoRows(trx, () => true)
  }
  const begin = (): void => {
    if (isOpen()) jobs.open()
    if (found === 0) return
    const fields = { context: 'Queue', queue: name, jobs: found }
    log.info(fields, 'took over jobs that an earlier process had in memory')
    wake()
  }

  return {
    settlements: createDirectSettlements<Payload>(bundles, unbundle),

    /** Stores what may go directly. @returns its ids, and the rest, which is to become rows */
    put: createPut(options, bundles),

    /** Makes rows of what an earlier process left, then lets jobs come. What cannot be stored now is tried again later. */
    async start(): Promise<void> {
      if (!dialectOf(database).belongsToOne) return
      try {
        await database.write(takeOver)
      } catch (error) {
        log.warn({ context: 'Queue', queue: name, err: error }, LEFT_BEHIND)
        void insist(LEFT_BEHIND, takeOver).then(begin)
        return
      }
      begin()
    },

    /** Nothing is started any more. */
    close(): void {
      close()
      jobs.close()
    },

    /** After all has come to its end that could: the rest becomes rows, which any release knows. */
    async leave(): Promise<void> {
      if (jobs.isEmpty) return
      try {
        await database.write((trx) => intoRows(trx, () => true, true))
      } catch (error) {
        // The next process finds them where they are.
        const fields = { context: 'Queue', queue: name, err: error }
        log.warn(fields, 'what is in memory stays in its bundles')
      }
    },

    /** A worker did not end in time, or its outcome was refused: if the job is still there it becomes a row. */
    giveBack,

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

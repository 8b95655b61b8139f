import { setTimeout as delay } from 'node:timers/promises'
import type { AnyDatabase, AnyTransaction, DatabaseLog } from '../database/index.ts'
import { createBundles, type Bundled, type Place, type Stored } from './bundles.ts'
import { dialectOf } from './dialect-of.ts'
import type { DirectJob, DirectJobs } from './direct-jobs.ts'
import type { NewJob } from './queue-options.ts'
import type { Settlements } from './settler.ts'
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

function settlementsOf<Payload>(
  { database, name, retryYieldMs }: DirectOptions<Payload>,
  bundles: ReturnType<typeof createBundles>,
): Settlements<DirectJob<Payload>> {
  const unbundle = createUnbundle(database, name, retryYieldMs)
  const commonOf = ({ id, lane, payload, createdAt: created_at }: DirectJob<Payload>) => ({
    id,
    lane,
    payload: JSON.stringify(payload),
    created_at,
  })
  return {
    async settle(trx, all) {
      const isOurs = await bundles.take(
        trx,
        all.map(({ row }) => row),
      )
      const settled = all.filter(({ row }) => isOurs(row))
      await unbundle.insert(
        trx,
        settled.flatMap(({ row, outcome }) =>
          outcome.status === 'retry'
            ? [
                {
                  ...commonOf(row),
                  attempt: 2,
                  leases: 0,
                  delay: Math.max(0, Math.round(outcome.delayMs)),
                },
              ]
            : [],
        ),
      )
      await unbundle.bury(
        trx,
        settled.flatMap(({ row, outcome }) =>
          outcome.status === 'dead'
            ? [{ ...commonOf(row), attempt: 1, reason: outcome.reason }]
            : [],
        ),
      )
      return { settled, busy: [] }
    },
    async postpone(trx, row, delayMs) {
      const isOurs = await bundles.take(trx, [row])
      if (isOurs(row))
        await unbundle.insert(trx, [
          { ...commonOf(row), attempt: 1, leases: row.leases, delay: Math.round(delayMs) },
        ])
    },
  }
}

const placeOf = ({ bundle, n }: Place): string => `${bundle}/${n}`

/**
 * Jobs that are stored in bundles and go to their workers from memory. Whatever stops that, a held lane, a closed process,
 * a worker that does not come to an end, makes rows of them, which are claimed like any other.
 */
export function createDirect<Payload>(options: DirectOptions<Payload>) {
  const { database, name, retryYieldMs, jobs, log, wake } = options
  const bundles = createBundles(database, name)
  const unbundle = createUnbundle(database, name, retryYieldMs)
  const enabled = dialectOf(database).belongsToOne
  const fields = { context: 'Queue', queue: name }
  let closed = false

  /** Does it until it is done: nobody else would. */
  async function insist(
    what: string,
    write: (trx: AnyTransaction) => Promise<void>,
  ): Promise<void> {
    while (!closed) {
      try {
        await database.write(write)
        return
      } catch (error) {
        log.warn({ ...fields, err: error }, what)
        await delay(AGAIN_MS, undefined, { ref: false })
      }
    }
  }

  /** Takes out of the bundles what is wanted and does not run. @param running also what runs: its outcome is refused */
  async function takeOut(
    trx: AnyTransaction,
    wanted: (job: Stored) => boolean,
    running: boolean,
  ): Promise<Stored[]> {
    if (!enabled) return []
    const found = (await bundles.unsettled(trx)).filter((job) => {
      const known = jobs.find(job.id)
      const waits =
        known === undefined || known.waiting || placeOf(known.place) !== placeOf(job.place)
      return (waits || running) && wanted(job)
    })
    await bundles.take(trx, found)
    database.afterCommit(trx, () => {
      for (const { id, place } of found) {
        const known = jobs.find(id)
        if (known !== undefined && placeOf(known.place) === placeOf(place)) jobs.forget(known)
      }
    })
    return found
  }

  async function intoRows(trx: AnyTransaction, wanted: (job: Stored) => boolean): Promise<number> {
    const found = await takeOut(trx, wanted, false)
    await unbundle.insert(
      trx,
      found.map((job) => looseOf(job)),
    )
    return found.length
  }

  /** The lanes that have room in memory for what is given. */
  function roomy(given: readonly NewJob<Payload>[]): string[] {
    const sizes = new Map<string, number>()
    for (const { lane } of given) sizes.set(lane, (sizes.get(lane) ?? 0) + 1)
    return [...sizes].flatMap(([lane, size]) =>
      jobs.hasRoom(lane, size, given.length) ? [lane] : [],
    )
  }

  return {
    settlements: settlementsOf(options, bundles),

    /** Makes rows of what an earlier process left, then lets jobs come. */
    async start(): Promise<void> {
      if (!enabled) return
      let found = 0
      await insist('the jobs of an earlier process wait to be taken over', async (trx) => {
        found = await intoRows(trx, () => true)
      })
      if (found > 0) {
        log.info({ ...fields, jobs: found }, 'took over jobs that an earlier process had in memory')
        wake()
      }
      if (!closed) jobs.open()
    },

    close(): void {
      closed = true
      jobs.close()
    },

    /** Stores what may go directly. @returns its ids, and the rest, which is to become rows */
    async put(
      trx: AnyTransaction,
      given: readonly NewJob<Payload>[],
    ): Promise<{ ids: string[]; rest: readonly NewJob<Payload>[] }> {
      const lanes = enabled ? roomy(given) : []
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
    async cancel(trx: AnyTransaction, lane: string): Promise<number> {
      return (await takeOut(trx, (job) => job.lane === lane, true)).length
    },

    /** Removes those that do not run. @returns their ids */
    async skip(trx: AnyTransaction, ids: readonly string[]): Promise<string[]> {
      const wanted = new Set(ids.filter((id) => jobs.find(id) !== undefined))
      if (wanted.size === 0) return []
      return (await takeOut(trx, ({ id }) => wanted.has(id), false)).map(({ id }) => id)
    },
  }
}

export type Direct<Payload> = ReturnType<typeof createDirect<Payload>>

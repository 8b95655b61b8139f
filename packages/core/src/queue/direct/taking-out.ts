import type { AnyDatabase, AnyTransaction } from '../../database/index.ts'
import { dialectOf } from '../dialect-of.ts'
import type { createBundles, Stored } from './bundles.ts'
import type { DirectJob, DirectJobs } from './direct-jobs.ts'
import type { createUnbundle, Loose } from './unbundle.ts'

/** As a row, which it becomes when it is taken out of its bundle without having been done. */
export const looseOf = ({ id, lane, payload, created_at }: Stored, leases = 0): Loose => ({
  id,
  lane,
  payload: JSON.stringify(payload),
  attempt: 1,
  leases,
  created_at,
})

export const storedFrom = <Payload>(job: DirectJob<Payload>): Stored<Payload> => {
  const { id, lane, payload, place, createdAt } = job
  return { id, lane, payload, place, created_at: createdAt }
}

/** By what jobs are chosen to be taken out. */
type Wanted = Pick<Stored, 'id' | 'lane'>

/** Taking jobs out of their bundles, in the transaction of whoever wants them elsewhere. */
export function createTakingOut<Payload>(
  { database, jobs }: { database: AnyDatabase; jobs: DirectJobs<Payload> },
  bundles: ReturnType<typeof createBundles>,
  unbundle: ReturnType<typeof createUnbundle>,
) {
  /** @param running also what runs: its outcome is refused */
  async function takeOut(
    trx: AnyTransaction,
    wanted: (job: Wanted) => boolean,
    running: boolean,
  ): Promise<Stored[]> {
    if (!dialectOf(database).belongsToOne) return []
    const known = [...jobs.all()].filter((job) => wanted(job) && (running || job.waiting))
    // What others stored in the same group of commits has not come yet; at the start nothing has.
    const unknown = (await bundles.unsettled(trx, jobs.newestBundle)).filter(wanted)
    const isOurs = await bundles.take(trx, [...known, ...unknown])
    // The loop may turn before the commit.
    jobs.hesitate(known)
    database.afterCommit(trx, () => {
      const gone = new Set(unknown.map(({ id }) => id))
      for (const job of jobs.all()) if (gone.has(job.id)) jobs.forget(job)
      for (const job of known) jobs.forget(job)
    })
    return [...known.map(storedFrom), ...unknown].filter(isOurs)
  }

  /** What does not run goes on as rows. @returns how many */
  async function intoRows(
    trx: AnyTransaction,
    wanted: (job: Wanted) => boolean,
    running = false,
  ): Promise<number> {
    const found = await takeOut(trx, wanted, running)
    const loose = found.map((job) => looseOf(job))
    await unbundle.insert(trx, loose)
    return found.length
  }

  return { takeOut, intoRows }
}

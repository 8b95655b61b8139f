import { sql } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '../database/index.ts'
import { dialectOf } from './dialect-of.ts'

/** Jobs made due in one call, when it says nothing else. */
const HURRY_LIMIT = 10_000

export interface HurrySelection {
  lane: string
  /** Enqueued at or after this, epoch ms. */
  from?: number
  /** Enqueued before this, epoch ms. */
  to?: number
  limit?: number
}

/** Makes due what waits for its time: whoever it failed for is well again, and says so. */
export function createHurry(database: AnyDatabase, queue: string) {
  const { now } = database
  const { skipLocked } = dialectOf(database)
  const run = database.statement<{ lane: string; from: number; to: number; limit: number }>()(
    (slot) => sql`
      update queue_jobs set state = 0, run_at = ${now()}, sort = ${now()} where seq in (
        select seq from queue_jobs
        where queue = ${queue} and state = 3 and lane = ${slot('lane')}
          and created_at >= ${slot('from')} and created_at < ${slot('to')}
        order by run_at limit ${slot('limit')} ${skipLocked})`,
  )
  return async (trx: AnyTransaction, selection: HurrySelection): Promise<number> => {
    const { lane, from = 0, to = Number.MAX_SAFE_INTEGER, limit = HURRY_LIMIT } = selection
    const { numAffectedRows } = await run({ lane, from, to, limit }, trx)
    return Number(numAffectedRows ?? 0n)
  }
}

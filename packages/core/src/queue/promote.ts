import { sql } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '../database/index.ts'

interface Keyed {
  lane: string
  job_key: string | null
}

/** After jobs left the queue: whoever now stands first of its key waits no more. */
export function createPromote(database: AnyDatabase, queue: string) {
  const promote = database.statement<{ given: string }>()(
    (slot) => sql`
      update queue_jobs set state = case when run_at <= ${database.now()} then 0 else 3 end
      where state = 2 and seq in (
        select (select min(j.seq) from queue_jobs j
          where j.queue = ${queue} and j.lane = g.lane and j.job_key = g.job_key)
        from ${database.rows(slot('given'), { lane: 'text', job_key: 'text' })} as g)`,
  )
  return async (trx: AnyTransaction, left: readonly Keyed[]): Promise<void> => {
    const keyed = left.filter(({ job_key }) => job_key !== null)
    if (keyed.length === 0) return
    const given = keyed.map(({ lane, job_key }) => ({ lane, job_key }))
    await promote({ given: JSON.stringify(given) }, trx)
  }
}

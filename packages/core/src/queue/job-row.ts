import { sql, type RawBuilder } from 'kysely'
import type { AnyDatabase } from '../database/index.ts'

/** What is to know of a job while it runs, wherever it is stored. */
export interface TakenUp {
  readonly id: string
  readonly lane: string
  readonly attempt: number
  readonly leases: number
}

/** A job as it is stored. */
export interface JobRow extends TakenUp {
  seq: number
  job_key: string | null
  payload: string
  fence: number
  sort: number
  created_at: number
}

export const JOB_COLUMNS = sql.raw(
  'seq, id, lane, job_key, payload, attempt, leases, fence, sort, created_at',
)

/**
 * Only the first unfinished job of a key may run. `state = 0` is nearly always enough (later ones are waiting); this
 * is the truth, for two that were enqueued by transactions which did not see each other.
 */
export const FIRST_OF_KEY = sql`(j.job_key is null or not exists (
  select 1 from queue_jobs e where e.queue = j.queue and e.lane = j.lane and e.job_key = j.job_key and e.seq < j.seq))`

/** The head of the update that takes a job up. `fence` grows with it: a late holder settles nothing. */
export const takeUp = (database: AnyDatabase, leaseMs: number): RawBuilder<unknown> => sql`
  update queue_jobs set state = 1, fence = fence + 1, leases = leases + 1,
    lease_until = ${database.now()} + ${leaseMs}`

import { sql } from 'kysely'
import { FIRST_OF_KEY, JOB_COLUMNS, takeUp, type JobRow } from './job-row.ts'
import type { QueueDialect } from './queue-dialect.ts'

/** PostgreSQL: several replicas claim, settle and enqueue at once. */
export const postgresQueue: QueueDialect = {
  belongsToOne: false,
  // Not "for update": whoever enqueues behind a job locks its key, and that must not hide it from claims.
  skipLocked: sql`for no key update skip locked`,
  lockFree: sql`for update of j skip locked`,
  lockAll: sql`for update of j`,
  predecessors: (queue, given) => sql`
    select g.lane, g.job_key from ${given} as g cross join lateral (
      select j.seq from queue_jobs j
      where j.queue = ${queue} and j.lane = g.lane and j.job_key = g.job_key
      order by j.seq desc limit 1 for key share) as p`,
  createTurn(database, queue) {
    const take = database.statement<object>()(
      () => sql`select pg_advisory_xact_lock(
        hashtextextended(current_schema() || ${`:queue:${queue}`}::text, 0))`,
    )
    return async (trx) => void (await take({}, trx))
  },
  // "running": a job that committed after a later one of its key was taken up (their enqueuers did not wait for each
  // other) comes first by its number, but must not run beside it.
  createPick(database, queue, leaseMs) {
    const take = database.statement<{ picks: string }>()(
      (slot) => sql<JobRow>`
        with running as materialized (
          select lane, job_key from queue_jobs
          where queue = ${queue} and state = 1 and job_key is not null)
        ${takeUp(database, leaseMs)} where seq in (
        select p.seq from ${database.rows(slot('picks'), { lane: 'text', room: 'bigint' })} as g
        cross join lateral (
          select j.seq from queue_jobs j
          where j.queue = ${queue} and j.state = 0 and j.lane = g.lane and ${FIRST_OF_KEY}
            and not exists (select 1 from running r where r.lane = j.lane and r.job_key = j.job_key)
          order by j.sort, j.seq limit g.room for no key update skip locked) as p)
        returning ${JOB_COLUMNS}`,
    )
    return async (trx, picks) =>
      picks.length === 0 ? [] : (await take({ picks: JSON.stringify(picks) }, trx)).rows
  },
}

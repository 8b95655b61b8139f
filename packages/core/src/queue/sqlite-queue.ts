import { sql } from 'kysely'
import { FIRST_OF_KEY, JOB_COLUMNS, takeUp, type JobRow } from './job-row.ts'
import type { Pick, QueueDialect } from './queue-dialect.ts'

/** SQLite: writers come one after another, nothing needs locks. */
export const sqliteQueue: QueueDialect = {
  belongsToOne: true,
  skipLocked: sql``,
  lockFree: sql``,
  lockAll: sql``,
  predecessors: (queue, given) => sql`
    select g.lane, g.job_key from ${given} as g where exists (
      select 1 from queue_jobs j where j.queue = ${queue} and j.lane = g.lane and j.job_key = g.job_key)`,
  createTurn: () => async () => {},
  // There is no lateral join: one statement a lane, which costs little here.
  createPick(database, queue, leaseMs) {
    const take = database.statement<Pick>()(
      (slot) => sql<JobRow>`${takeUp(database, leaseMs)} where seq in (
        select j.seq from queue_jobs j
        where j.queue = ${queue} and j.state = 0 and j.lane = ${slot('lane')} and ${FIRST_OF_KEY}
        order by j.sort, j.seq limit ${slot('room')})
        returning ${JOB_COLUMNS}`,
    )
    return async (trx, picks) => {
      const taken: JobRow[] = []
      for (const pick of picks) taken.push(...(await take(pick, trx)).rows)
      return taken
    }
  },
}

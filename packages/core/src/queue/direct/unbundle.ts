import { sql } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '../../database/index.ts'

/** A job that goes on as a row of its own. */
export interface Loose {
  id: string
  lane: string
  /** JSON text. */
  payload: string
  attempt: number
  leases: number
  /** Milliseconds; undefined: it goes on where it stood, by its age. */
  delay?: number
  /** Epoch ms. */
  created_at: number
}

/** A job for which no attempt is left. */
export interface Given {
  id: string
  lane: string
  /** JSON text. */
  payload: string
  attempt: number
  reason: string
  /** Epoch ms. */
  created_at: number
}

/** Puts jobs that were in a bundle among those that are rows. @param yieldMs how much younger jobs go before a retry */
export function createUnbundle(database: AnyDatabase, queue: string, yieldMs: number) {
  const { now, rows } = database
  const common = {
    id: 'text',
    lane: 'text',
    payload: 'text',
    attempt: 'bigint',
    created_at: 'bigint',
  } as const
  const insert = database.statement<{ given: string }>()(
    (slot) => sql`
      insert into queue_jobs (queue, id, lane, payload, state, sort, run_at, attempt, leases, created_at)
      select ${queue}, g.id, g.lane, g.payload, case when g.delay > 0 then 3 else 0 end,
        case when g.delay is null then g.created_at else clock.at + g.delay + ${yieldMs} end,
        case when g.delay is null then g.created_at else clock.at + g.delay end,
        g.attempt, g.leases, g.created_at
      from ${rows(slot('given'), { ...common, leases: 'bigint', delay: 'bigint' })} as g
        cross join (select ${now()} as at) as clock where true
      on conflict (queue, id) do nothing`,
  )
  const bury = database.statement<{ given: string }>()(
    (slot) => sql`
      insert into queue_dead (queue, id, lane, payload, attempt, reason, created_at, died_at)
      select ${queue}, g.id, g.lane, g.payload, g.attempt, g.reason, g.created_at, ${now()}
      from ${rows(slot('given'), { ...common, reason: 'text' })} as g where true
      on conflict (queue, id) do update set lane = excluded.lane, payload = excluded.payload,
        attempt = excluded.attempt, reason = excluded.reason, created_at = excluded.created_at,
        died_at = excluded.died_at`,
  )

  return {
    async insert(trx: AnyTransaction, jobs: readonly Loose[]): Promise<void> {
      if (jobs.length > 0) await insert({ given: JSON.stringify(jobs) }, trx)
    },
    async bury(trx: AnyTransaction, jobs: readonly Given[]): Promise<void> {
      if (jobs.length > 0) await bury({ given: JSON.stringify(jobs) }, trx)
    },
  }
}

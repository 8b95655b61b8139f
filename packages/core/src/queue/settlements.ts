import { sql, type RawBuilder } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '../database/index.ts'
import { dialectOf } from './dialect-of.ts'
import type { JobRow } from './job-row.ts'
import { createPromote } from './promote.ts'
import type { Outcome } from './queue-options.ts'

/** A job that was taken up, and what became of it. */
export interface Settling {
  row: JobRow
  outcome: Outcome
}

function statements(database: AnyDatabase, queue: string) {
  const { now, rows } = database
  const { lockFree, lockAll } = dialectOf(database)
  const leased = (lock: RawBuilder<unknown>) =>
    database.statement<{ given: string }>()(
      (slot) => sql<{ seq: number }>`
        select j.seq from ${rows(slot('given'), { seq: 'bigint', fence: 'bigint' })} as g
        join queue_jobs j on j.seq = g.seq
        where j.fence = g.fence and j.state = 1 ${lock}`,
    )
  return {
    free: leased(lockFree),
    all: leased(lockAll),
    known: leased(sql``),
    bury: database.statement<{ given: string }>()(
      (slot) => sql`
        insert into queue_dead (queue, id, lane, job_key, payload, attempt, reason, created_at, died_at)
        select ${queue}, j.id, j.lane, j.job_key, j.payload, j.attempt, g.reason, j.created_at, ${now()}
        from ${rows(slot('given'), { seq: 'bigint', reason: 'text' })} as g
        join queue_jobs j on j.seq = g.seq where true
        on conflict (queue, id) do update set lane = excluded.lane, job_key = excluded.job_key,
          payload = excluded.payload, attempt = excluded.attempt, reason = excluded.reason,
          created_at = excluded.created_at, died_at = excluded.died_at`,
    ),
    remove: database.statement<{ given: string }>()(
      (slot) => sql`delete from queue_jobs
        where seq in (select seq from ${rows(slot('given'), { seq: 'bigint' })} as g)`,
    ),
    // counts: 1 for an attempt of the worker's, 0 for a settlement that failed, whose lease goes on counting.
    postpone: database.statement<{ given: string; yieldMs: number }>()(
      (slot) => sql`
        update queue_jobs set state = case when g.delay > 0 then 3 else 0 end, lease_until = null,
          attempt = attempt + g.counts, leases = leases * (1 - g.counts),
          run_at = clock.at + g.delay, sort = clock.at + g.delay + ${slot('yieldMs')}
        from ${rows(slot('given'), { seq: 'bigint', delay: 'bigint', counts: 'bigint' })} as g
          cross join (select ${now()} as at) as clock
        where queue_jobs.seq = g.seq`,
    ),
    release: database.statement<{ given: string }>()(
      (slot) => sql`update queue_jobs set state = 0, lease_until = null, leases = leases - 1
        where seq in (select seq from ${rows(slot('given'), { seq: 'bigint' })} as g)`,
    ),
  }
}

/** Who holds a lease still. */
function createHoldings(run: ReturnType<typeof statements>) {
  async function leased(
    trx: AnyTransaction,
    rows: readonly JobRow[],
    which: 'free' | 'all' | 'known',
  ): Promise<Set<number>> {
    const given = rows.map(({ seq, fence }) => ({ seq, fence }))
    const found = await run[which]({ given: JSON.stringify(given) }, trx)
    return new Set(found.rows.map(({ seq }) => seq))
  }

  const owned = (trx: AnyTransaction, rows: readonly JobRow[]): Promise<Set<number>> =>
    leased(trx, rows, 'all')

  /** Those that hold their lease but are kept by an enqueuer until he commits. */
  async function busyAmong<S extends Settling>(
    trx: AnyTransaction,
    missing: readonly S[],
  ): Promise<S[]> {
    if (missing.length === 0) return []
    const rows = missing.map(({ row }) => row)
    const known = await leased(trx, rows, 'known')
    return missing.filter(({ row }) => known.has(row.seq))
  }

  return { leased, owned, busyAmong }
}

const delayOf = (ms: number): number => Math.max(0, Math.round(ms))

export type RowSettlements = ReturnType<typeof createRowSettlements>

/** Ends leases. Whoever no longer holds one changes nothing. */
export function createRowSettlements(database: AnyDatabase, queue: string, yieldMs: number) {
  const run = statements(database, queue)
  const promote = createPromote(database, queue)

  const { leased, owned, busyAmong } = createHoldings(run)

  return {
    /**
     * @param wait also for those behind which somebody enqueues just now
     * @returns those that still held their lease, which are the ones that were settled, and those to be settled later
     */
    async settle<S extends Settling>(
      trx: AnyTransaction,
      all: readonly S[],
      wait: boolean,
    ): Promise<{ settled: S[]; busy: S[] }> {
      const rows = all.map(({ row }) => row)
      const holding = await leased(trx, rows, wait ? 'all' : 'free')
      const settled = all.filter(({ row }) => holding.has(row.seq))
      const missing = all.filter(({ row }) => !holding.has(row.seq))
      const retries: { seq: number; delay: number; counts: number }[] = []
      const dead: { seq: number; reason: string }[] = []
      const finished: JobRow[] = []
      for (const { row, outcome } of settled) {
        if (outcome.status === 'retry') {
          retries.push({ seq: row.seq, delay: delayOf(outcome.delayMs), counts: 1 })
          continue
        }
        finished.push(row)
        if (outcome.status === 'dead') dead.push({ seq: row.seq, reason: outcome.reason })
      }
      if (retries.length > 0) {
        await run.postpone({ given: JSON.stringify(retries), yieldMs }, trx)
      }
      if (dead.length > 0) await run.bury({ given: JSON.stringify(dead) }, trx)
      if (finished.length > 0) {
        await run.remove({ given: JSON.stringify(finished.map(({ seq }) => ({ seq }))) }, trx)
        await promote(trx, finished)
      }
      return { settled, busy: wait ? [] : await busyAmong(trx, missing) }
    },

    /** Back into the queue after a pause, as if it had not been settled: the lease counts against it. */
    async postpone(trx: AnyTransaction, row: JobRow, delayMs: number): Promise<void> {
      if ((await owned(trx, [row])).size === 0) return
      const given = [{ seq: row.seq, delay: delayOf(delayMs), counts: 0 }]
      await run.postpone({ given: JSON.stringify(given), yieldMs }, trx)
    },

    /** Back into the queue at once, as if it had not been taken up. */
    async release(trx: AnyTransaction, rows: readonly JobRow[]): Promise<void> {
      const holding = await owned(trx, rows)
      const given = rows.filter(({ seq }) => holding.has(seq)).map(({ seq }) => ({ seq }))
      if (given.length > 0) await run.release({ given: JSON.stringify(given) }, trx)
    },
  }
}

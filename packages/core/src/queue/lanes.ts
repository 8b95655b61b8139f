import { sql } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '../database/index.ts'
import { dialectOf } from './dialect-of.ts'
import type { createEnqueue } from './enqueue.ts'
import { createPromote } from './promote.ts'
import type { NewJob } from './queue-options.ts'

/** Dead jobs revived in one call. */
const REVIVE_LIMIT = 1000

export type SkipSelection = { ids: readonly string[] } | { lane: string; key: string }
export type ReviveSelection = { ids: readonly string[] } | { lane: string; limit?: number }

interface DeadRow {
  id: string
  lane: string
  job_key: string | null
  payload: string
}

function laneStatements(database: AnyDatabase, queue: string) {
  return {
    hold: database.statement<{ lane: string }>()(
      (
        slot,
      ) => sql`insert into queue_lanes (queue, lane, held) values (${queue}, ${slot('lane')}, 1)
        on conflict (queue, lane) do update set held = 1, ramp_ms = 0`,
    ),
    release: database.statement<{ lane: string; rampMs: number }>()(
      (
        slot,
      ) => sql`update queue_lanes set held = 0, ramp_from = ${database.now()}, ramp_ms = ${slot('rampMs')}
        where queue = ${queue} and lane = ${slot('lane')}`,
    ),
    cancel: database.statement<{ lane: string }>()(
      (slot) =>
        sql`delete from queue_jobs where queue = ${queue} and state in (0, 1, 2, 3) and lane = ${slot('lane')}`,
    ),
    cancelDead: database.statement<{ lane: string }>()(
      (slot) => sql`delete from queue_dead where queue = ${queue} and lane = ${slot('lane')}`,
    ),
    forget: database.statement<{ lane: string }>()(
      (slot) => sql`delete from queue_lanes where queue = ${queue} and lane = ${slot('lane')}`,
    ),
  }
}

function jobStatements(database: AnyDatabase, queue: string) {
  const ids = { id: 'text' } as const
  const { lockAll } = dialectOf(database)
  return {
    keepIds: database.statement<{ given: string }>()(
      (slot) => sql`
        select j.seq from queue_jobs j where j.queue = ${queue}
          and j.id in (select id from ${database.rows(slot('given'), ids)} as g)
        order by j.seq ${lockAll}`,
    ),
    skipIds: database.statement<{ given: string }>()(
      (slot) => sql<{ id: string; lane: string; job_key: string | null }>`
        delete from queue_jobs where queue = ${queue} and state <> 1
          and id in (select id from ${database.rows(slot('given'), ids)} as g)
        returning id, lane, job_key`,
    ),
    // The one that runs included: a settlement that had it would wake a successor which is just removed.
    keepKey: database.statement<{ lane: string; key: string }>()(
      (slot) => sql`
        select j.seq from queue_jobs j where j.queue = ${queue} and j.lane = ${slot('lane')}
          and j.job_key = ${slot('key')} order by j.seq ${lockAll}`,
    ),
    skipKey: database.statement<{ lane: string; key: string }>()(
      (slot) => sql<{ id: string; lane: string; job_key: string | null }>`
        delete from queue_jobs where queue = ${queue} and lane = ${slot('lane')}
          and job_key = ${slot('key')} and state <> 1
        returning id, lane, job_key`,
    ),
    reviveIds: database.statement<{ given: string }>()(
      (slot) => sql<DeadRow>`
        delete from queue_dead where queue = ${queue}
          and id in (select id from ${database.rows(slot('given'), ids)} as g)
        returning id, lane, job_key, payload`,
    ),
    reviveLane: database.statement<{ lane: string; limit: number }>()(
      (slot) => sql<DeadRow>`
        delete from queue_dead where queue = ${queue} and id in (
          select id from queue_dead where queue = ${queue} and lane = ${slot('lane')}
          order by died_at limit ${slot('limit')})
        returning id, lane, job_key, payload`,
    ),
  }
}

function anew({ id, lane, job_key, payload }: DeadRow): NewJob<unknown> {
  const job: NewJob<unknown> = { id, lane, payload: JSON.parse(payload) }
  if (job_key !== null) job.key = job_key
  return job
}

const idRows = (ids: readonly string[]): string => JSON.stringify(ids.map((id) => ({ id })))

/** The same for jobs that are no rows. */
interface DirectLanes {
  hold: (trx: AnyTransaction, lane: string) => Promise<number>
  cancel: (trx: AnyTransaction, lane: string) => Promise<number>
  skip: (trx: AnyTransaction, ids: readonly string[]) => Promise<string[]>
}

/** What the owner of a queue does to its lanes, each in the owner's transaction. */
export function createLanes(
  database: AnyDatabase,
  queue: string,
  enqueue: ReturnType<typeof createEnqueue>,
  direct: DirectLanes,
) {
  const lanes = laneStatements(database, queue)
  const jobs = jobStatements(database, queue)
  const promote = createPromote(database, queue)
  const shared = database.dialect === 'postgres'

  async function skipIds(trx: AnyTransaction, ids: readonly string[]) {
    const given = idRows(ids)
    if (shared) await jobs.keepIds({ given }, trx)
    return (await jobs.skipIds({ given }, trx)).rows
  }

  async function skipKey(trx: AnyTransaction, selection: { lane: string; key: string }) {
    if (shared) await jobs.keepKey(selection, trx)
    return (await jobs.skipKey(selection, trx)).rows
  }

  return {
    async hold(trx: AnyTransaction, lane: string): Promise<void> {
      await direct.hold(trx, lane)
      await lanes.hold({ lane }, trx)
    },
    async release(trx: AnyTransaction, lane: string, rampMs: number): Promise<void> {
      await lanes.release({ lane, rampMs }, trx)
    },
    async cancel(trx: AnyTransaction, lane: string): Promise<number> {
      const cancelled = await direct.cancel(trx, lane)
      const { numAffectedRows } = await lanes.cancel({ lane }, trx)
      await lanes.cancelDead({ lane }, trx)
      await lanes.forget({ lane }, trx)
      return cancelled + Number(numAffectedRows ?? 0n)
    },
    async skip(trx: AnyTransaction, selection: SkipSelection): Promise<string[]> {
      const skipped = 'ids' in selection ? await direct.skip(trx, selection.ids) : []
      const rows = await ('ids' in selection
        ? skipIds(trx, selection.ids)
        : skipKey(trx, selection))
      await promote(trx, rows)
      return [...skipped, ...rows.map(({ id }) => id)]
    },
    async revive(trx: AnyTransaction, selection: ReviveSelection): Promise<string[]> {
      const { rows } =
        'ids' in selection
          ? await jobs.reviveIds({ given: idRows(selection.ids) }, trx)
          : await jobs.reviveLane(
              {
                lane: selection.lane,
                limit: Math.min(selection.limit ?? REVIVE_LIMIT, REVIVE_LIMIT),
              },
              trx,
            )
      return enqueue(trx, rows.map(anew))
    },
  }
}

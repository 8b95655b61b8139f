import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '../database/index.ts'
import { dialectOf } from './dialect-of.ts'
import type { NewJob } from './queue-options.ts'

/** What one step of priority is worth: to have been enqueued so much earlier. */
const PRIORITY_STEP_MS = 60_000

interface Given {
  /** Position in the call, which is the order of what is stored. */
  n: number
  id: string
  lane: string
  job_key: string | null
  payload: string
  delay: number
  lead: number
  blocked: number
  dedupe_key: string | null
}

const pairOf = (lane: string, key: string): string => JSON.stringify([lane, key])

function statements(database: AnyDatabase, queue: string, dedupeMs: number) {
  const { now, rows } = database
  return {
    remember: database.statement<{ given: string }>()(
      (slot) => sql<{ dedupe_key: string }>`
        insert into queue_dedupe (queue, dedupe_key, expires_at)
        select ${queue}, g.dedupe_key, ${now()} + ${dedupeMs}
        from ${rows(slot('given'), { dedupe_key: 'text' })} as g where true
        on conflict (queue, dedupe_key) do update set expires_at = excluded.expires_at
        where queue_dedupe.expires_at <= ${now()}
        returning dedupe_key`,
    ),
    predecessors: database.statement<{ given: string }>()((slot) =>
      dialectOf(database).predecessors(
        queue,
        rows(slot('given'), { lane: 'text', job_key: 'text' }),
      ),
    ),
    insert: database.statement<{ given: string }>()(
      (slot) => sql<{ id: string }>`
        insert into queue_jobs (queue, id, lane, job_key, payload, state, sort, run_at, created_at)
        select ${queue}, g.id, g.lane, g.job_key, g.payload,
          case when g.blocked = 1 then 2 when g.delay > 0 then 3 else 0 end,
          clock.at + g.delay - g.lead, clock.at + g.delay, clock.at
        from ${rows(slot('given'), {
          n: 'bigint',
          id: 'text',
          lane: 'text',
          job_key: 'text',
          payload: 'text',
          delay: 'bigint',
          lead: 'bigint',
          blocked: 'bigint',
        })} as g cross join (select ${now()} as at) as clock where true order by g.n
        on conflict (queue, id) do nothing returning id`,
    ),
  }
}

/** Puts jobs into the caller's transaction. */
export function createEnqueue(database: AnyDatabase, queue: string, dedupeMs: number) {
  const run = statements(database, queue, dedupeMs)

  /** Leaves out what was enqueued before, within this call too. */
  async function fresh(trx: AnyTransaction, given: readonly Given[]): Promise<Given[]> {
    const keyed = given.filter(({ dedupe_key }) => dedupe_key !== null)
    if (keyed.length === 0) return [...given]
    const first = new Map(keyed.toReversed().map((job) => [job.dedupe_key, job]))
    const { rows } = await run.remember({ given: JSON.stringify([...first.values()]) }, trx)
    const accepted = new Set(rows.map(({ dedupe_key }) => first.get(dedupe_key)))
    return given.filter((job) => job.dedupe_key === null || accepted.has(job))
  }

  /** Marks those that stand behind an unfinished job of their key. */
  async function ordered(trx: AnyTransaction, given: readonly Given[]): Promise<Given[]> {
    const keyed = given.filter(({ job_key }) => job_key !== null)
    if (keyed.length === 0) return [...given]
    const { rows } = await run.predecessors({ given: JSON.stringify(keyed) }, trx)
    const busy = new Set(rows.map(({ lane, job_key }) => pairOf(lane, job_key)))
    return given.map((job) => {
      if (job.job_key === null) return job
      const pair = pairOf(job.lane, job.job_key)
      const blocked = busy.has(pair) ? 1 : 0
      busy.add(pair)
      return { ...job, blocked }
    })
  }

  return async (trx: AnyTransaction, jobs: readonly NewJob<unknown>[]): Promise<string[]> => {
    const given = jobs.map((job, n): Given => ({
      n,
      id: job.id ?? randomUUID(),
      lane: job.lane,
      job_key: job.key ?? null,
      payload: JSON.stringify(job.payload),
      delay: Math.max(0, Math.round(job.delayMs ?? 0)),
      lead: (job.priority ?? 0) * PRIORITY_STEP_MS,
      blocked: 0,
      dedupe_key: job.dedupeKey ?? null,
    }))
    const unique = [
      ...new Map(given.toReversed().map((job) => [job.id, job])).values(),
    ].toReversed()
    const accepted = await ordered(trx, await fresh(trx, unique))
    if (accepted.length === 0) return []
    const { rows } = await run.insert({ given: JSON.stringify(accepted) }, trx)
    const stored = new Set(rows.map(({ id }) => id))
    return accepted.filter(({ id }) => stored.has(id)).map(({ id }) => id)
  }
}

import { sql, type RawBuilder } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '../database/index.ts'
import { DIRECT_STATE, type DirectSurvey } from './direct/survey.ts'
import { LISTED_STATES, type JobQuery, type ListedJob } from './queue-options.ts'

/** Jobs in one answer. */
const LIST_LIMIT = 1000

interface ListedRow {
  seq: number
  id: string
  lane: string
  job_key: string | null
  payload: string
  state: number
  sort: number
  attempt: number
  due_at: number
  created_at: number
  held: number
}

function statements(database: AnyDatabase, queue: string) {
  const listed = (which: RawBuilder<unknown>) => sql<ListedRow>`
    select j.seq, j.id, j.lane, j.job_key, j.payload, j.state, j.sort, j.attempt, j.created_at,
      coalesce(j.lease_until, j.run_at) as due_at, coalesce(l.held, 0) as held
    from queue_jobs j left join queue_lanes l on l.queue = j.queue and l.lane = j.lane
    where j.queue = ${queue} ${which}`
  return {
    ids: database.statement<{ ids: string }>()((slot) =>
      listed(
        sql`and j.id in (select id from ${database.rows(slot('ids'), { id: 'text' })} as g) order by j.seq`,
      ),
    ),
    key: database.statement<{ lane: string; key: string; limit: number }>()((slot) =>
      listed(
        sql`and j.lane = ${slot('lane')} and j.job_key = ${slot('key')} order by j.seq limit ${slot('limit')}`,
      ),
    ),
    // As the index of claims is ordered: no backlog is sorted.
    lane: database.statement<{
      lane: string
      state: number
      sort: number
      seq: number
      limit: number
    }>()((slot) =>
      listed(
        sql`and j.state = ${slot('state')} and j.lane = ${slot('lane')}
          and (j.sort > ${slot('sort')} or (j.sort = ${slot('sort')} and j.seq > ${slot('seq')}))
          order by j.sort, j.seq limit ${slot('limit')}`,
      ),
    ),
  }
}

function listedOf(row: ListedRow): ListedJob {
  const { seq, id, lane, job_key: key, payload, sort, attempt, due_at, created_at, held } = row
  const state = LISTED_STATES[row.state] ?? 'ready'
  return {
    id,
    lane,
    key,
    state: held === 1 && state !== 'running' ? 'held' : state,
    attempt,
    dueAt: due_at,
    enqueuedAt: created_at,
    payload,
    after: { state: row.state, sort, seq },
  }
}

/** Where a list of a lane begins: with what is in memory. */
const START = { state: DIRECT_STATE, sort: Number.MIN_SAFE_INTEGER, seq: 0 }

/** Reads unfinished jobs, for those who show them. */
export function createListing(database: AnyDatabase, queue: string, memory: DirectSurvey) {
  const run = statements(database, queue)

  async function rowsOf(
    lane: string,
    after: ListedJob['after'],
    limit: number,
    trx: AnyTransaction | undefined,
  ): Promise<ListedRow[]> {
    const rows: ListedRow[] = []
    for (
      let state = Math.max(0, after.state);
      state < LISTED_STATES.length && rows.length < limit;
      state += 1
    ) {
      const { sort, seq } = state === after.state ? after : START
      const part = { lane, state, sort, seq, limit: limit - rows.length }
      rows.push(...(await run.lane(part, trx)).rows)
    }
    return rows
  }

  return async (query: JobQuery, trx?: AnyTransaction): Promise<ListedJob[]> => {
    const limit = Math.min(query.limit ?? LIST_LIMIT, LIST_LIMIT)
    if (query.ids !== undefined) {
      const asked = query.ids.slice(0, limit)
      const ids = JSON.stringify(asked.map((id) => ({ id })))
      return [...memory.some(asked), ...(await run.ids({ ids }, trx)).rows.map(listedOf)]
    }
    const { lane, key } = query
    if (lane === undefined) return []
    if (key !== undefined) return (await run.key({ lane, key, limit }, trx)).rows.map(listedOf)
    const { after = START } = query
    const direct = after.state === DIRECT_STATE ? memory.ofLane(lane, after.seq, limit) : []
    const rows = await rowsOf(lane, after, limit - direct.length, trx)
    return [...direct, ...rows.map(listedOf)]
  }
}

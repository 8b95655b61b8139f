import { sql, type RawBuilder } from 'kysely'
import type { AnyDatabase } from '../database/index.ts'
import type { DirectSurvey } from './direct/survey.ts'
import type { FoundJob, LaneStats, QueueTotals } from './queue-options.ts'

/** Lanes told of in one answer, in each state. */
const GROUP_LIMIT = 1000

interface StateRow {
  state: number
  lane: string
  jobs: number
  oldest: number
}

interface FoundRow {
  id: string
  lane: string
  job_key: string | null
  state: number
  held: number
  attempt: number
  due_at: number
  reason: string | null
}

const STATES = ['ready', 'running', 'waiting', 'scheduled', 'dead'] as const

function statements(database: AnyDatabase, queue: string) {
  const lanesIn = (lanes: RawBuilder<string>) =>
    sql`(select lane from ${database.rows(lanes, { lane: 'text' })} as g)`
  const groups = (which: RawBuilder<unknown>) => sql`
    select state, lane, count(*) as jobs, min(seq) as seq from queue_jobs
    where queue = ${queue} and state in (0, 1, 2, 3) ${which} group by state, lane limit ${GROUP_LIMIT}`
  const ofGroups = (grouped: RawBuilder<unknown>) => sql<StateRow>`
    select s.state, s.lane, s.jobs, clock.at - j.created_at as oldest
    from (${grouped}) as s join queue_jobs j on j.seq = s.seq
    cross join (select ${database.now()} as at) as clock`
  const dead = (which: RawBuilder<unknown>) => sql<{ lane: string; jobs: number }>`
    select lane, count(*) as jobs from queue_dead
    where queue = ${queue} ${which} group by lane limit ${GROUP_LIMIT}`
  return {
    // Grouped as the index is ordered. The oldest of a group is its smallest seq.
    unfinished: database.statement<object>()(() => ofGroups(groups(sql``))),
    unfinishedOf: database.statement<{ lanes: string }>()((slot) =>
      ofGroups(groups(sql`and lane in ${lanesIn(slot('lanes'))}`)),
    ),
    dead: database.statement<object>()(() => dead(sql``)),
    deadOf: database.statement<{ lanes: string }>()((slot) =>
      dead(sql`and lane in ${lanesIn(slot('lanes'))}`),
    ),
    totals: database.statement<object>()(() =>
      ofGroups(sql`select state, '' as lane, count(*) as jobs, min(seq) as seq from queue_jobs
        where queue = ${queue} group by state`),
    ),
    deadTotal: database.statement<object>()(
      () => sql<{ jobs: number }>`select count(*) as jobs from queue_dead where queue = ${queue}`,
    ),
    held: database.statement<object>()(
      () => sql<{ lane: string }>`
        select lane from queue_lanes where queue = ${queue} and held = 1`,
    ),
    find: database.statement<{ id: string }>()(
      (slot) => sql<FoundRow>`
        select j.id, j.lane, j.job_key, j.state, coalesce(l.held, 0) as held, j.attempt,
          coalesce(j.lease_until, j.run_at) as due_at, null as reason
        from queue_jobs j left join queue_lanes l on l.queue = j.queue and l.lane = j.lane
        where j.queue = ${queue} and j.id = ${slot('id')}
        union all
        select id, lane, job_key, 4, 0, attempt, died_at, reason from queue_dead
        where queue = ${queue} and id = ${slot('id')}`,
    ),
  }
}

/** What there is in a queue, as rows and in memory. */
export function createSurvey(database: AnyDatabase, queue: string, memory: DirectSurvey) {
  const read = statements(database, queue)

  async function stats(only?: readonly string[]): Promise<LaneStats[]> {
    const given = { lanes: JSON.stringify((only ?? []).map((lane) => ({ lane }))) }
    const unfinished = await (only === undefined ? read.unfinished({}) : read.unfinishedOf(given))
    const dead = await (only === undefined ? read.dead({}) : read.deadOf(given))
    const lanes = new Map<string, LaneStats>()
    const of = (lane: string): LaneStats => {
      const known = lanes.get(lane)
      if (known !== undefined) return known
      const fresh = { lane, held: false, pending: 0, running: 0, dead: 0, oldestMs: 0 }
      lanes.set(lane, fresh)
      return fresh
    }
    for (const { state, lane, jobs, oldest } of unfinished.rows) {
      const stat = of(lane)
      stat.pending += jobs
      if (state === 1) stat.running += jobs
      stat.oldestMs = Math.max(stat.oldestMs, oldest)
    }
    const wanted = only === undefined ? undefined : new Set(only)
    memory.addTo((lane) => (wanted?.has(lane) === false ? undefined : of(lane)))
    for (const { lane, jobs } of dead.rows) of(lane).dead = jobs
    for (const { lane } of (await read.held({})).rows) {
      if (wanted?.has(lane) !== false) of(lane).held = true
    }
    return [...lanes.values()]
  }

  async function totals(): Promise<QueueTotals> {
    const all: QueueTotals = { pending: 0, running: 0, dead: 0, oldestMs: 0 }
    for (const { state, jobs, oldest } of (await read.totals({})).rows) {
      all.pending += jobs
      if (state === 1) all.running += jobs
      all.oldestMs = Math.max(all.oldestMs, oldest)
    }
    memory.addTo(() => all)
    for (const { jobs } of (await read.deadTotal({})).rows) all.dead = jobs
    return all
  }

  async function find(id: string): Promise<FoundJob | undefined> {
    const direct = memory.find(id)
    if (direct !== undefined) return direct
    const [row] = (await read.find({ id })).rows
    if (row === undefined) return undefined
    const { lane, job_key: key, attempt, due_at: dueAt, reason } = row
    const state = STATES[row.state] ?? 'dead'
    return {
      id,
      lane,
      key,
      state: row.held === 1 && state !== 'running' ? 'held' : state,
      attempt,
      dueAt,
      ...(reason === null ? {} : { reason }),
    }
  }

  return { stats, totals, find }
}

import { sql } from 'kysely'
import type { AnyDatabase } from '../database/index.ts'
import type { FoundJob, LaneStats } from './queue-options.ts'

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
  return {
    // Grouped as the index is ordered. The oldest of a group is its smallest seq.
    unfinished: database.statement<object>()(
      () => sql<StateRow>`
        select s.state, s.lane, s.jobs, clock.at - j.created_at as oldest
        from (select state, lane, count(*) as jobs, min(seq) as seq from queue_jobs
          where queue = ${queue} group by state, lane) as s
        join queue_jobs j on j.seq = s.seq cross join (select ${database.now()} as at) as clock`,
    ),
    dead: database.statement<object>()(
      () => sql<{ lane: string; jobs: number }>`
        select lane, count(*) as jobs from queue_dead where queue = ${queue} group by lane`,
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

/** What there is in a queue. */
export function createSurvey(database: AnyDatabase, queue: string) {
  const read = statements(database, queue)

  async function stats(): Promise<LaneStats[]> {
    const lanes = new Map<string, LaneStats>()
    const of = (lane: string): LaneStats => {
      const known = lanes.get(lane)
      if (known !== undefined) return known
      const fresh = { lane, held: false, pending: 0, running: 0, dead: 0, oldestMs: 0 }
      lanes.set(lane, fresh)
      return fresh
    }
    for (const { state, lane, jobs, oldest } of (await read.unfinished({})).rows) {
      const stat = of(lane)
      stat.pending += jobs
      if (state === 1) stat.running += jobs
      stat.oldestMs = Math.max(stat.oldestMs, oldest)
    }
    for (const { lane, jobs } of (await read.dead({})).rows) of(lane).dead = jobs
    for (const { lane } of (await read.held({})).rows) of(lane).held = true
    return [...lanes.values()]
  }

  async function find(id: string): Promise<FoundJob | undefined> {
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

  return { stats, find }
}

import { sql, type RawBuilder } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '../../database/index.ts'

/** Jobs in one bundle at most: what is read and written when it is opened. */
const BUNDLE_JOBS = 1000

/** A job's place in the store: the bundle, and the how manieth of it the job is, from 0. */
export interface Place {
  readonly bundle: number
  readonly n: number
}

/** A job to be put into a bundle. */
export interface Bundled<Payload = unknown> {
  id: string
  lane: string
  /** Kept once for all jobs of a bundle that share it. */
  payload: Payload
}

/** A job that is in a bundle. */
export interface Stored<Payload = unknown> extends Bundled<Payload> {
  place: Place
  /** Epoch ms. */
  created_at: number
}

/** Of a bundle. */
interface Contents {
  payloads: unknown[]
  jobs: [id: string, lane: string, payload: number][]
}

interface BundleRow {
  id: number
  /** Jobs that are not settled. */
  open: number
  /** Hexadecimal; a bit for each job: 1 when it is settled. */
  settled: string
}

const bytesFor = (jobs: number): number => Math.ceil(jobs / 8)
const isSet = (bits: Buffer, n: number): boolean => ((bits[n >> 3] ?? 0) & (1 << (n & 7))) !== 0
const set = (bits: Buffer, n: number): void =>
  void (bits[n >> 3] = (bits[n >> 3] ?? 0) | (1 << (n & 7)))

function contentsOf(jobs: readonly Bundled[]): Contents {
  const numbers = new Map<unknown, number>()
  return {
    jobs: jobs.map(({ id, lane, payload }) => {
      const known = numbers.get(payload)
      const number = known ?? numbers.size
      if (known === undefined) numbers.set(payload, number)
      return [id, lane, number]
    }),
    payloads: [...numbers.keys()],
  }
}

function statements(database: AnyDatabase, queue: string) {
  const { now, rows } = database
  const given = (ids: RawBuilder<string>) =>
    sql`(select id from ${rows(ids, { id: 'bigint' })} as g)`
  return {
    free: database.statement<{ lanes: string }>()(
      (slot) => sql<{ lane: string }>`
        select g.lane from ${rows(slot('lanes'), { lane: 'text' })} as g
        where not exists (select 1 from queue_jobs j
            where j.queue = ${queue} and j.state = 0 and j.lane = g.lane)
          and not exists (select 1 from queue_lanes l
            where l.queue = ${queue} and l.lane = g.lane
              and (l.held = 1 or l.ramp_from + l.ramp_ms > ${now()}))`,
    ),
    insert: database.statement<{ open: number; settled: string }>()(
      (slot) => sql<{ id: number; created_at: number }>`
        insert into queue_bundles (queue, open, settled, created_at)
        values (${queue}, ${slot('open')}, ${slot('settled')}, ${now()}) returning id, created_at`,
    ),
    insertJobs: database.statement<{ bundle: number; jobs: string }>()(
      (slot) => sql`insert into queue_bundle_jobs (bundle, jobs)
        values (${slot('bundle')}, ${slot('jobs')})`,
    ),
    find: database.statement<{ ids: string }>()(
      (slot) => sql<BundleRow>`
        select id, open, settled from queue_bundles where id in ${given(slot('ids'))}`,
    ),
    all: database.statement<{ after: number }>()(
      (slot) => sql<BundleRow & { created_at: number; jobs: string }>`
        select b.id, b.open, b.settled, b.created_at, j.jobs
        from queue_bundles b join queue_bundle_jobs j on j.bundle = b.id
        where b.queue = ${queue} and b.id > ${slot('after')} order by b.id`,
    ),
    note: database.statement<{ given: string }>()(
      (slot) => sql`
        update queue_bundles set open = g.open, settled = g.settled
        from ${rows(slot('given'), { id: 'bigint', open: 'bigint', settled: 'text' })} as g
        where queue_bundles.id = g.id`,
    ),
    remove: database.statement<{ ids: string }>()(
      (slot) => sql`delete from queue_bundles where id in ${given(slot('ids'))}`,
    ),
    removeJobs: database.statement<{ ids: string }>()(
      (slot) => sql`delete from queue_bundle_jobs where bundle in ${given(slot('ids'))}`,
    ),
  }
}

const idRows = (ids: Iterable<number>): string => JSON.stringify([...ids].map((id) => ({ id })))

/** The jobs of a bundle that are not settled. */
function unsettled(row: BundleRow & { created_at: number; jobs: string }): Stored[] {
  const bits = Buffer.from(row.settled, 'hex')
  const { jobs, payloads }: Contents = JSON.parse(row.jobs)
  return jobs.flatMap(([id, lane, number], n) => {
    if (isSet(bits, n)) return []
    const place = { bundle: row.id, n }
    return [{ id, lane, payload: payloads[number], place, created_at: row.created_at }]
  })
}

/** Marks jobs of a bundle as settled. @returns the row as it is after that, and those that were not settled before */
function mark({ id, open, settled }: BundleRow, places: readonly Place[]) {
  const bits = Buffer.from(settled, 'hex')
  const taken = places.filter(({ n }) => {
    if (isSet(bits, n)) return false
    set(bits, n)
    return true
  })
  return { row: { id, open: open - taken.length, settled: bits.toString('hex') }, taken }
}

/** The places, by bundle. */
function byBundle(jobs: readonly { readonly place: Place }[]): Map<number, Place[]> {
  const places = new Map<number, Place[]>()
  for (const { place } of jobs) {
    const known = places.get(place.bundle)
    if (known === undefined) places.set(place.bundle, [place])
    else known.push(place)
  }
  return places
}

/** Of the jobs that were asked for, those that nobody had settled. */
export type Ours = (job: { readonly place: Place }) => boolean

/**
 * Jobs of one transaction stored together: one row for all instead of one each, and a bit for each that is settled.
 * Only where the store belongs to one process: nobody else looks for them.
 */
export function createBundles(database: AnyDatabase, queue: string) {
  const run = statements(database, queue)

  async function put<Payload>(
    trx: AnyTransaction,
    jobs: readonly Bundled<Payload>[],
  ): Promise<Stored<Payload>[]> {
    const settled = '00'.repeat(bytesFor(jobs.length))
    const [row] = (await run.insert({ open: jobs.length, settled }, trx)).rows
    if (row === undefined) throw new Error('A bundle was not stored')
    await run.insertJobs({ bundle: row.id, jobs: JSON.stringify(contentsOf(jobs)) }, trx)
    return jobs.map((job, n) => ({
      ...job,
      place: { bundle: row.id, n },
      created_at: row.created_at,
    }))
  }

  return {
    /** Which of the lanes have nothing that must come first, and no limit but their own. */
    async free(trx: AnyTransaction, lanes: Iterable<string>): Promise<Set<string>> {
      const given = JSON.stringify([...lanes].map((lane) => ({ lane })))
      return new Set((await run.free({ lanes: given }, trx)).rows.map(({ lane }) => lane))
    },

    /** Stores jobs. Their ids must be new. */
    async put<Payload>(
      trx: AnyTransaction,
      jobs: readonly Bundled<Payload>[],
    ): Promise<Stored<Payload>[]> {
      const stored: Stored<Payload>[] = []
      for (let n = 0; n < jobs.length; n += BUNDLE_JOBS) {
        stored.push(...(await put(trx, jobs.slice(n, n + BUNDLE_JOBS))))
      }
      return stored
    },

    /** Takes jobs out: they are settled, or stored elsewhere in the same transaction. */
    async take(trx: AnyTransaction, jobs: readonly { readonly place: Place }[]): Promise<Ours> {
      if (jobs.length === 0) return () => false
      const places = byBundle(jobs)
      const found = (await run.find({ ids: idRows(places.keys()) }, trx)).rows
      const marked = found.map((row) => mark(row, places.get(row.id) ?? []))
      const rest = marked.flatMap(({ row }) => (row.open > 0 ? [row] : []))
      const over = idRows(marked.flatMap(({ row }) => (row.open > 0 ? [] : [row.id])))
      if (rest.length > 0) await run.note({ given: JSON.stringify(rest) }, trx)
      if (rest.length < marked.length) {
        await run.remove({ ids: over }, trx)
        await run.removeJobs({ ids: over }, trx)
      }
      const taken = new Set(marked.flatMap((one) => one.taken))
      return ({ place }) => taken.has(place)
    },

    /** All that is not settled in bundles behind one. */
    async unsettled(trx: AnyTransaction, after: number): Promise<Stored[]> {
      return (await run.all({ after }, trx)).rows.flatMap(unsettled)
    },
  }
}

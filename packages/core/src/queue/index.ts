/**
 * The one durable queue: jobs are rows that are enqueued in the transaction of what causes them, taken up under a
 * lease, and settled in a transaction of their own. Lanes limit what runs at once, keys order it.
 */
import type { Static, TSchema } from '@sinclair/typebox'
import type { AnyTransaction } from '../database/index.ts'
import { createParser } from '../validation/index.ts'
import { createEnqueue } from './enqueue.ts'
import { createLanes, type ReviveSelection, type SkipSelection } from './lanes.ts'
import { createHurry, type HurrySelection } from './hurry.ts'
import { inherit } from './inheritance.ts'
import { createListing } from './listing.ts'
import { createDirectSurvey } from './direct/survey.ts'
import type {
  EnqueueOptions,
  FoundJob,
  JobQuery,
  LaneStats,
  ListedJob,
  NewJob,
  QueueCounters,
  QueueOptions,
  QueueTotals,
} from './queue-options.ts'
import { withDefaults } from './queue-defaults.ts'
import { createRetention } from './retention.ts'
import { createRunner } from './runner.ts'
import { createSurvey } from './survey.ts'

export { queueMigrations } from './migrations.ts'
export type {
  FoundJob,
  Job,
  JobQuery,
  LaneStats,
  ListedJob,
  NewJob,
  Outcome,
  QueueCounters,
  QueueOptions,
  QueueTotals,
  Settlement,
} from './queue-options.ts'

export interface Queue<Payload> {
  /**
   * Stores jobs in the caller's transaction and wakes the queue after its commit.
   * @returns the ids that were accepted: not those whose dedupe key was seen, or whose id is unfinished
   * @throws ValueRefused a payload does not fit the schema
   */
  enqueue(
    trx: AnyTransaction,
    jobs: readonly NewJob<Payload>[],
    options?: EnqueueOptions,
  ): Promise<string[]>
  /** Begins to work. Without it the queue only stores. */
  start(): void
  /** Resolves when what an earlier process left is taken over, after {@link Queue.start}. */
  started(): Promise<void>
  /** Looks now instead of at the next poll. */
  wake(): void
  /** Takes nothing up any more, waits `closeMs` for what runs, and gives back the leases of the rest. */
  close(): Promise<void>
  /** Nothing of the lane is taken up until `release`; what runs comes to its end. */
  hold(trx: AnyTransaction, lane: string): Promise<void>
  /** @param options.rampMs the limit of the lane grows from 1 to its own during this time */
  release(trx: AnyTransaction, lane: string, options?: { rampMs?: number }): Promise<void>
  /** Removes all jobs of the lane, running (their outcome is refused) and dead ones too. @returns how many were unfinished */
  cancel(trx: AnyTransaction, lane: string): Promise<number>
  /** Removes jobs that do not run: by id, or all of a key (for what is outdated). @returns their ids */
  skip(trx: AnyTransaction, selection: SkipSelection): Promise<string[]>
  /** Enqueues dead jobs anew, at most 1000 a call, the longest dead first. @returns their ids */
  revive(trx: AnyTransaction, selection: ReviveSelection): Promise<string[]>
  /** Jobs of the lane that wait for their time are due now, at most 10 000 a call. @returns how many */
  hurry(trx: AnyTransaction, selection: HurrySelection): Promise<number>
  find(id: string): Promise<FoundJob | undefined>
  /** Unfinished jobs with what they carry. Without `trx` it reads what is committed. */
  list(query: JobQuery, trx?: AnyTransaction): Promise<ListedJob[]>
  /**
   * What there is, by lane: of the given ones, or of all (at most 1000). Lanes without anything are left out.
   * Counts their rows: a few milliseconds for tens of thousands.
   */
  stats(lanes?: readonly string[]): Promise<LaneStats[]>
  /** What there is, for metrics and health. Counts every row as {@link Queue.stats} does. */
  totals(): Promise<QueueTotals>
  /** What this process has done since it started. */
  counters(): QueueCounters
}

/** Creates a queue over a database that has the {@link queueMigrations}. */
export function createQueue<Tables, Payload extends TSchema, Result = unknown>(
  given: QueueOptions<Tables, Payload, Result>,
): Queue<Static<Payload>> {
  const options = withDefaults(given)
  const { database, name } = options
  const counters = { enqueued: 0, claimed: 0, done: 0, retried: 0, dead: 0, lost: 0, failed: 0 }
  const { dispatcher, direct } = createRunner(options, counters)
  const parse = createParser(options.payload)
  const put = createEnqueue(database, name, options.dedupeMs)
  const lanes = createLanes(database, name, put, direct)
  const hurry = createHurry(database, name)
  let starting = Promise.resolve()
  const memory = createDirectSurvey(direct.jobs)
  const survey = createSurvey(database, name, memory)
  const retention = createRetention(database, name, options)

  /** What was done may have made jobs ready. */
  async function waking<T>(trx: AnyTransaction, work: Promise<T>): Promise<T> {
    const result = await work
    database.afterCommit(trx, () => dispatcher.wake(false))
    return result
  }

  return {
    async enqueue(trx, jobs, { direct: isDirect = false } = {}) {
      const checked = jobs.map((job) => ({ ...job, payload: parse(job.payload) }))
      const { ids, rest } = isDirect ? await direct.put(trx, checked) : { ids: [], rest: checked }
      const accepted = await put(trx, rest)
      database.afterCommit(trx, () => {
        counters.enqueued += ids.length + accepted.length
        if (accepted.length > 0) dispatcher.wake(false)
      })
      return [...ids, ...accepted]
    },
    start() {
      dispatcher.start()
      retention.start()
      const inherited = inherit({ ...options, inherited: () => dispatcher.wake(true) })
      starting = inherited.then(() => direct.start())
    },
    started: () => starting,
    wake: () => dispatcher.wake(true),
    async close() {
      direct.close()
      await retention.close()
      await dispatcher.close()
      await direct.leave()
    },
    hold: (trx, lane) => lanes.hold(trx, lane),
    release: (trx, lane, { rampMs = 0 } = {}) => waking(trx, lanes.release(trx, lane, rampMs)),
    cancel: (trx, lane) => lanes.cancel(trx, lane),
    skip: (trx, selection) => waking(trx, lanes.skip(trx, selection)),
    revive: (trx, selection) => waking(trx, lanes.revive(trx, selection)),
    hurry: (trx, selection) => waking(trx, hurry(trx, selection)),
    find: (id) => survey.find(id),
    list: createListing(database, name, memory),
    stats: (only) => survey.stats(only),
    totals: () => survey.totals(),
    counters: () => ({ ...counters }),
  }
}

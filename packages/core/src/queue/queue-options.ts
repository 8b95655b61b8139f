import type { Static, TSchema } from '@sinclair/typebox'
import type { Transaction } from 'kysely'
import type { Database, DatabaseLog } from '../database/index.ts'

/** A job as its worker sees it. */
export interface Job<Payload> {
  readonly id: string
  /** Jobs of one lane share a limit of what runs at once. */
  readonly lane: string
  /** Jobs of one lane and key run one after another, in the order in which they were enqueued. */
  readonly key: string | null
  readonly payload: Payload
  /** 1 for the first; grows with every `retry`. */
  readonly attempt: number
  /** How often it was taken up since its last settlement; above 1 a worker died or the lease was too short. */
  readonly leases: number
  /** Epoch milliseconds. */
  readonly enqueuedAt: number
}

/** What became of an attempt. `result` is handed to `settled` and not kept. */
export type Outcome<Result = unknown> =
  | { readonly status: 'done'; readonly result?: Result }
  | { readonly status: 'retry'; readonly delayMs: number; readonly result?: Result }
  | { readonly status: 'dead'; readonly reason: string; readonly result?: Result }

export interface Settlement<Payload, Result = unknown> {
  readonly job: Job<Payload>
  readonly outcome: Outcome<Result>
}

export interface NewJob<Payload> {
  /** Unique among the unfinished jobs of the queue; made up when absent. */
  id?: string
  lane: string
  key?: string
  payload: Payload
  /** Not before so many milliseconds from now. */
  delayMs?: number
  /** Dropped when a job with this key was enqueued within `dedupeMs`. */
  dedupeKey?: string
  /** Each step lets it overtake jobs of its lane that are up to a minute older. Default 0. */
  priority?: number
}

export interface EnqueueOptions {
  /**
   * Jobs whose ids are new may go to their workers from memory right after the commit, where the store belongs to this
   * process: they cost a fraction of a row that is claimed, and are as safe. Only those without key, delay, dedupe key and
   * priority, in lanes where nothing waits as a row.
   */
  direct?: boolean
}

export interface QueueOptions<Tables, Payload extends TSchema, Result> {
  database: Database<Tables>
  /** `bot-inbox`; several queues share the tables. */
  name: string
  /** Checked when a job is enqueued and again when it is taken up: a release may meet what an older one wrote. */
  payload: Payload
  /**
   * Does one job. Runs at least once per job: whatever it does must bear repetition. `signal` aborts when the lease
   * comes to its end or the queue closes. A thrown error is logged and counts as a retry after `errorDelayMs`.
   */
  work: (job: Job<Static<Payload>>, context: { signal: AbortSignal }) => Promise<Outcome<Result>>
  /**
   * Runs in the transaction that settles, for the rows that must agree with it (a delivery log). SQL only. When it
   * fails the settlement is rolled back with it and the job is taken up again.
   */
  settled?: (
    trx: Transaction<Tables>,
    settlements: readonly Settlement<Static<Payload>, Result>[],
  ) => Promise<void>
  /** Told of every claim: how long it took, within its transaction, and how many jobs it took up. */
  onClaim?: ((durationMs: number, jobs: number) => void) | undefined
  log: DatabaseLog
  /** A job whose process died is taken up again after this. Default 60 000. */
  leaseMs?: number
  /** A job taken up so often without being settled is dead. Default 5. */
  maxLeases?: number
  /** Jobs that run at once in this process. Default 16. */
  concurrency?: number
  /** Jobs of one lane that run at once, over all replicas. Default: `concurrency`. */
  laneLimit?: (lane: string) => number
  /** Polling, the truth behind the wake-ups. Default 500. */
  pollMs?: number
  /** Jobs claimed or settled in one transaction. Default 100. */
  batch?: number
  /**
   * Jobs in memory that were enqueued with `direct`, over all lanes; one lane has an eighth of it. More become rows, and
   * up to one group of commits more than this may be there for a moment. Default 0: none; none either where `concurrency` is
   * less than 4.
   */
  directLimit?: number
  /** Lanes with room that one claim looks at; the next goes on behind them. Default 64. */
  lanesAClaim?: number
  /** Lanes that one claim passes at most, held ones included. Default 2048. */
  lanesSeen?: number
  /** How long an outcome waits for others to be stored with, as long as jobs run that it could wait for. Default 0. */
  gatherMs?: number
  /** A retry waits for first attempts of its lane that are up to this much younger. Default 30 000. */
  retryYieldMs?: number
  /** After an error thrown by `work` or `settled`. Default 1 s, doubling up to a minute. */
  errorDelayMs?: (attempt: number) => number
  /** How long a dedupe key is remembered. Default 24 h, which is also the least. */
  dedupeMs?: number
  /** How long dead jobs are kept. Default 30 days. */
  deadRetentionMs?: number
  /** How often what is past its retention is removed. Default 60 000. */
  purgeMs?: number
  /** How long `close` waits for running work. Default 5 000. */
  closeMs?: number
}

export interface LaneStats {
  lane: string
  held: boolean
  /** Unfinished, the running ones included. */
  pending: number
  running: number
  dead: number
  /** Age of the oldest unfinished job. */
  oldestMs: number
}

/** Over all lanes. */
export interface QueueTotals {
  /** Unfinished, the running and the held ones included. */
  pending: number
  running: number
  dead: number
  /** Age of the oldest unfinished job. */
  oldestMs: number
}

export interface QueueCounters {
  enqueued: number
  claimed: number
  done: number
  retried: number
  dead: number
  /** Outcomes refused because the lease had passed to somebody else. */
  lost: number
  /** Errors thrown by `work`. */
  failed: number
}

export interface FoundJob {
  id: string
  lane: string
  key: string | null
  /** `waiting`: behind an earlier job of its key. `scheduled`: not due yet. */
  state: 'ready' | 'scheduled' | 'waiting' | 'running' | 'held' | 'dead'
  attempt: number
  /** Epoch milliseconds; when it is due, or when its lease ends. */
  dueAt: number
  /** Of a dead one. */
  reason?: string
}

/** By the number under which they are stored. */
export const LISTED_STATES = ['ready', 'running', 'waiting', 'scheduled'] as const

/** Which unfinished jobs to list: some by id, those of a key, or those of a lane state by state in the order of their turn. */
export interface JobQuery {
  ids?: readonly string[]
  lane?: string
  key?: string
  /** `after` of the last job of the page before; only for a lane. */
  after?: ListedJob['after']
  /** At most and by default 1000. */
  limit?: number
}

/** An unfinished job as it is stored. */
export interface ListedJob {
  id: string
  lane: string
  key: string | null
  state: (typeof LISTED_STATES)[number] | 'held'
  attempt: number
  /** Epoch milliseconds; when it is due, or when its lease ends. */
  dueAt: number
  /** Epoch milliseconds. */
  enqueuedAt: number
  /** JSON text. */
  payload: string
  /** Its place in the list. */
  after: { state: number; sort: number; seq: number }
}

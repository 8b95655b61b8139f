import type { RawBuilder } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '../database/index.ts'
import type { JobRow } from './job-row.ts'

/** How many jobs of a lane to take. */
export interface Pick {
  lane: string
  room: number
}

/** The few places where the dialects differ. */
export interface QueueDialect {
  /** The store belongs to one process, which may work off what it stores without asking for it. */
  readonly belongsToOne: boolean
  /** After a select of rows that are about to change: nobody else may change them, those taken are left out. */
  readonly skipLocked: RawBuilder<unknown>
  /**
   * After a select of the jobs `j` that are to be settled: nobody else may touch them. Those that somebody enqueues
   * behind are left out: to wait for him, who may wait for others of the same settlement, is how a deadlock begins.
   */
  readonly lockFree: RawBuilder<unknown>
  /** The same, waiting for everybody. Who takes several does so in the order of `seq`: then no cycle of waits arises. */
  readonly lockAll: RawBuilder<unknown>
  /**
   * Which of `given(lane, job_key)` have an unfinished job. On PostgreSQL these jobs are kept from being settled
   * until the caller commits: else the settlement would not see its successor and nobody would wake it.
   */
  predecessors(
    queue: string,
    given: RawBuilder<unknown>,
  ): RawBuilder<{ lane: string; job_key: string }>
  /** Before a claim: one claimer at a time, so that the limit of a lane and the order of a key hold over all replicas. */
  createTurn(database: AnyDatabase, queue: string): (trx: AnyTransaction) => Promise<void>
  /** Takes up ready jobs, the oldest of each lane first. */
  createPick(
    database: AnyDatabase,
    queue: string,
    leaseMs: number,
  ): (trx: AnyTransaction, picks: readonly Pick[]) => Promise<JobRow[]>
}

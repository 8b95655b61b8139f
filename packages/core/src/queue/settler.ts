import { setTimeout as delay } from 'node:timers/promises'
import type { Transaction } from 'kysely'
import type { Claim } from './claims.ts'
import {
  DatabaseUnavailable,
  type AnyTransaction,
  type Database,
  type DatabaseLog,
} from '../database/index.ts'
import type { TakenUp } from './job-row.ts'
import type { Job, Outcome, Settlement } from './queue-options.ts'

/** Before another look at jobs that were kept by those who enqueue behind them. */
const BUSY_PAUSE_MS = 2
/** After so many looks it waits for them, for one after the other. */
const BUSY_TRIES = 20
/** Between two attempts to reach the database. */
const UNAVAILABLE_PAUSE_MS = 250

export interface Finished<Payload, Result, Row> {
  row: Row
  /** Undefined when the stored payload fits the schema no more: then there is nothing to hand to `settled`. */
  job: Job<Payload> | undefined
  outcome: Outcome<Result>
  /** `performance.now()` at which the lease ends. */
  leaseEnds: number
}

/** Where the jobs are stored that come to an end. */
export interface Settlements<Row> {
  /**
   * @param wait also for those behind which somebody enqueues just now
   * @returns those that still held their lease, which are the ones that were settled, and those to be settled later
   */
  settle<S extends { row: Row; outcome: Outcome }>(
    trx: AnyTransaction,
    all: readonly S[],
    wait: boolean,
  ): Promise<{ settled: S[]; busy: S[] }>
  /** Back into the queue after a pause, as if it had not been settled: the lease counts against it. */
  postpone(trx: AnyTransaction, row: Row, delayMs: number): Promise<void>
}

/** Takes up what comes next in the transaction that settles what came before. */
interface Next<Tables, Row> {
  claimAfter: (trx: Transaction<Tables>, ending: readonly Row[]) => Promise<Claim | undefined>
  claimed: (claim: Claim, committed: boolean) => Promise<void>
}

export interface SettlerOptions<Tables, Payload, Result, Row> {
  name: string
  database: Database<Tables>
  settlements: Settlements<Row>
  settled:
    | ((
        trx: Transaction<Tables>,
        settlements: readonly Settlement<Payload, Result>[],
      ) => Promise<void>)
    | undefined
  batch: number
  /** How long an outcome waits for others to be stored with, as long as any can be expected. */
  gatherMs: number
  /** Jobs whose outcome is not stored, those that wait for it included. */
  running: () => number
  next?: Next<Tables, Row>
  maxLeases: number
  errorDelayMs: (attempt: number) => number
  log: DatabaseLog
  /** `accepted`: the outcome is stored; else the lease had passed on, or the settlement failed. */
  onEnd: (finished: Finished<Payload, Result, Row>, accepted: boolean) => void
  /** There is room, and nothing was taken up for it. */
  onRoom: () => void
}

/** Stores outcomes, those that come while a transaction runs together in the next. */
export class Settler<Tables, Payload, Result, Row extends TakenUp> {
  readonly #options: SettlerOptions<Tables, Payload, Result, Row>
  readonly #waiting: Finished<Payload, Result, Row>[] = []
  #flushing: Promise<void> | undefined
  /** How often a batch was looked at of which some were busy. */
  #busyTries = 0
  #closed = false
  /** Ends the wait for further outcomes. */
  #gathered: (() => void) | undefined

  constructor(options: SettlerOptions<Tables, Payload, Result, Row>) {
    this.#options = options
  }

  /** Outcomes that wait to be stored. */
  get waiting(): number {
    return this.#waiting.length
  }

  add(finished: Finished<Payload, Result, Row>): void {
    if (this.#closed) return
    this.#waiting.push(finished)
    if (this.#areAll()) this.#gathered?.()
    this.#flushing ??= this.#flush()
  }

  /** What is not stored by now is left to whoever takes the jobs over. */
  close(): void {
    this.#closed = true
    this.#waiting.length = 0
  }

  /** Resolves when nothing waits. */
  async flushed(): Promise<void> {
    await this.#flushing
  }

  async #flush(): Promise<void> {
    // Outcomes of the same turn of the loop go together.
    await new Promise<void>((resolve) => void setImmediate(resolve))
    while (this.#waiting.length > 0) {
      await this.#gather()
      await this.#settle(this.#waiting.splice(0, this.#waits() ? 1 : this.#options.batch))
    }
    this.#flushing = undefined
  }

  /** It waits with one alone: whoever keeps it may want another of the batch. */
  #waits(): boolean {
    return this.#busyTries >= BUSY_TRIES
  }

  /** Are there as many as go together, or as many as can come? */
  #areAll(): boolean {
    const { batch, running } = this.#options
    return this.#waiting.length >= Math.min(batch, running())
  }

  async #gather(): Promise<void> {
    const { gatherMs } = this.#options
    if (gatherMs === 0 || this.#areAll()) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, gatherMs)
      this.#gathered = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#gathered = undefined
  }

  /** @param goOn also take up what comes next */
  async #settle(batch: readonly Finished<Payload, Result, Row>[], goOn = true): Promise<void> {
    const { database, settlements, log, name, onEnd, onRoom, next } = this.#options
    // One for each time that the transaction was run; the last is the one that was committed.
    const claims: Claim[] = []
    const wait = this.#waits()
    try {
      const { settled, busy } = await database.write(async (trx) => {
        const result = await settlements.settle(trx, batch, wait)
        await this.#tell(trx, result.settled)
        const ended = batch.filter((finished) => !result.busy.includes(finished))
        const rows = ended.map(({ row }) => row)
        const claim = goOn ? await next?.claimAfter(trx, rows) : undefined
        if (claim !== undefined) claims.push(claim)
        return result
      })
      const accepted = new Set(settled)
      const later = new Set(busy)
      for (const one of batch) if (!later.has(one)) onEnd(one, accepted.has(one))
      for (const [n, claim] of claims.entries()) await next?.claimed(claim, n === claims.length - 1)
      if (claims.length === 0 || batch.some(({ outcome }) => outcome.status === 'retry')) onRoom()
      await this.#putOff(busy)
    } catch (error) {
      for (const claim of claims) await next?.claimed(claim, false)
      if (error instanceof DatabaseUnavailable) await this.#again(batch, error)
      else if (batch.length > 1) await this.#halve(batch)
      else if (goOn) await this.#settle(batch, false)
      else for (const finished of batch) await this.#postpone(finished, error)
      return
    }
    log.debug({ context: 'Queue', queue: name, jobs: batch.length }, 'outcomes stored')
  }

  /** One of them cannot be stored, and must not keep the others. */
  async #halve(batch: readonly Finished<Payload, Result, Row>[]): Promise<void> {
    const half = Math.ceil(batch.length / 2)
    await this.#settle(batch.slice(0, half), false)
    await this.#settle(batch.slice(half), false)
  }

  /** Somebody enqueues behind them and commits within moments. */
  async #putOff(busy: readonly Finished<Payload, Result, Row>[]): Promise<void> {
    this.#busyTries = busy.length > 0 ? this.#busyTries + 1 : 0
    if (busy.length === 0) return
    await delay(BUSY_PAUSE_MS)
    this.#waiting.unshift(...busy)
  }

  async #tell(
    trx: Transaction<Tables>,
    held: readonly Finished<Payload, Result, Row>[],
  ): Promise<void> {
    const settlements = held.flatMap(({ job, outcome }) =>
      job === undefined ? [] : [{ job, outcome }],
    )
    if (settlements.length > 0) await this.#options.settled?.(trx, settlements)
  }

  /** The work is done: while the lease holds its outcome is worth waiting for. */
  async #again(batch: readonly Finished<Payload, Result, Row>[], error: unknown): Promise<void> {
    const { log, name, onEnd, onRoom } = this.#options
    log.warn({ context: 'Queue', queue: name, err: error }, 'outcomes wait for the database')
    await delay(UNAVAILABLE_PAUSE_MS)
    const now = this.#closed ? Number.POSITIVE_INFINITY : performance.now()
    for (const finished of batch) if (finished.leaseEnds <= now) onEnd(finished, false)
    onRoom()
    const rest = batch.filter(({ leaseEnds }) => leaseEnds > now)
    if (rest.length > 0) await this.#settle(rest)
  }

  /** `settled` refused: the job is taken up again later, until it has been so too often. */
  async #postpone(finished: Finished<Payload, Result, Row>, error: unknown): Promise<void> {
    const { database, settlements, log, name, maxLeases, errorDelayMs, onEnd, onRoom } =
      this.#options
    const { row } = finished
    const fields = { context: 'Queue', queue: name, job: row.id, lane: row.lane, err: error }
    log.error(fields, 'the outcome of a job could not be stored')
    try {
      await database.write(async (trx) => {
        if (row.leases < maxLeases) {
          await settlements.postpone(trx, row, errorDelayMs(row.leases))
          return
        }
        const reason = `its outcome could not be stored ${row.leases} times`
        await settlements.settle(trx, [{ row, outcome: { status: 'dead', reason } }], true)
      })
    } catch (postponeError) {
      log.warn({ ...fields, err: postponeError }, 'the job is left to the end of its lease')
    }
    onEnd(finished, false)
    onRoom()
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import type { Transaction } from 'kysely'
import type { Claim } from './claims.ts'
import { DatabaseUnavailable, type Database, type DatabaseLog } from '../database/index.ts'
import type { JobRow } from './job-row.ts'
import type { Job, Outcome, Settlement } from './queue-options.ts'
import type { Settlements } from './settlements.ts'

/** Between two attempts to reach the database. */
const UNAVAILABLE_PAUSE_MS = 250

export interface Finished<Payload, Result> {
  row: JobRow
  /** Undefined when the stored payload fits the schema no more: then there is nothing to hand to `settled`. */
  job: Job<Payload> | undefined
  outcome: Outcome<Result>
  /** `performance.now()` at which the lease ends. */
  leaseEnds: number
}

export interface SettlerOptions<Tables, Payload, Result> {
  name: string
  database: Database<Tables>
  settlements: Settlements
  settled:
    | ((
        trx: Transaction<Tables>,
        settlements: readonly Settlement<Payload, Result>[],
      ) => Promise<void>)
    | undefined
  batch: number
  /** How long an outcome waits for others to be stored with, as long as any can be expected. */
  gatherMs: number
  /** Jobs that run, those whose outcome waits to be stored included. */
  running: () => number
  /** Takes up what comes next in the same transaction. */
  claimAfter: (trx: Transaction<Tables>, ending: readonly JobRow[]) => Promise<Claim | undefined>
  claimed: (claim: Claim, committed: boolean) => Promise<void>
  maxLeases: number
  errorDelayMs: (attempt: number) => number
  log: DatabaseLog
  /** `accepted`: the outcome is stored; else the lease had passed on, or the settlement failed. */
  onEnd: (finished: Finished<Payload, Result>, accepted: boolean) => void
  /** There is room, and nothing was taken up for it. */
  onRoom: () => void
}

/** Stores outcomes, those that come while a transaction runs together in the next. */
export class Settler<Tables, Payload, Result> {
  readonly #options: SettlerOptions<Tables, Payload, Result>
  readonly #waiting: Finished<Payload, Result>[] = []
  #flushing: Promise<void> | undefined
  /** Ends the wait for further outcomes. */
  #gathered: (() => void) | undefined

  constructor(options: SettlerOptions<Tables, Payload, Result>) {
    this.#options = options
  }

  add(finished: Finished<Payload, Result>): void {
    this.#waiting.push(finished)
    if (this.#areAll()) this.#gathered?.()
    this.#flushing ??= this.#flush()
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
      await this.#settle(this.#waiting.splice(0, this.#options.batch))
    }
    this.#flushing = undefined
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
  async #settle(batch: readonly Finished<Payload, Result>[], goOn = true): Promise<void> {
    const { database, settlements, log, name, onEnd, onRoom, claimAfter, claimed } = this.#options
    // One for each time that the transaction was run; the last is the one that was committed.
    const claims: Claim[] = []
    const rows = batch.map(({ row }) => row)
    try {
      const accepted = await database.write(async (trx) => {
        const held = await settlements.settle(trx, batch)
        await this.#tell(trx, held)
        const claim = goOn ? await claimAfter(trx, rows) : undefined
        if (claim !== undefined) claims.push(claim)
        return new Set(held)
      })
      for (const finished of batch) onEnd(finished, accepted.has(finished))
      for (const [n, claim] of claims.entries()) await claimed(claim, n === claims.length - 1)
      if (claims.length === 0 || batch.some(({ outcome }) => outcome.status === 'retry')) onRoom()
    } catch (error) {
      for (const claim of claims) await claimed(claim, false)
      if (error instanceof DatabaseUnavailable) await this.#again(batch, error)
      else if (batch.length > 1 || goOn)
        for (const finished of batch) await this.#settle([finished], false)
      else for (const finished of batch) await this.#postpone(finished, error)
      return
    }
    log.debug({ context: 'Queue', queue: name, jobs: batch.length }, 'outcomes stored')
  }

  async #tell(trx: Transaction<Tables>, held: readonly Finished<Payload, Result>[]): Promise<void> {
    const settlements = held.flatMap(({ job, outcome }) =>
      job === undefined ? [] : [{ job, outcome }],
    )
    if (settlements.length > 0) await this.#options.settled?.(trx, settlements)
  }

  /** The work is done: while the lease holds its outcome is worth waiting for. */
  async #again(batch: readonly Finished<Payload, Result>[], error: unknown): Promise<void> {
    const { log, name, onEnd, onRoom } = this.#options
    log.warn({ context: 'Queue', queue: name, err: error }, 'outcomes wait for the database')
    await delay(UNAVAILABLE_PAUSE_MS)
    const now = performance.now()
    for (const finished of batch) if (finished.leaseEnds <= now) onEnd(finished, false)
    onRoom()
    const rest = batch.filter(({ leaseEnds }) => leaseEnds > now)
    if (rest.length > 0) await this.#settle(rest)
  }

  /** `settled` refused: the job is taken up again later, until it has been so too often. */
  async #postpone(finished: Finished<Payload, Result>, error: unknown): Promise<void> {
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
        await settlements.settle(trx, [{ row, outcome: { status: 'dead', reason } }])
      })
    } catch (postponeError) {
      log.warn({ ...fields, err: postponeError }, 'the job is left to the end of its lease')
    }
    onEnd(finished, false)
    onRoom()
  }
}

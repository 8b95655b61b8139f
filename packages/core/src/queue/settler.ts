import { setTimeout as delay } from 'node:timers/promises'
import type { Transaction } from 'kysely'
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
  maxLeases: number
  errorDelayMs: (attempt: number) => number
  log: DatabaseLog
  /** `accepted`: the outcome is stored; else the lease had passed on, or the settlement failed. */
  onEnd: (finished: Finished<Payload, Result>, accepted: boolean) => void
}

/** Stores outcomes, those that come while a transaction runs together in the next. */
export class Settler<Tables, Payload, Result> {
  readonly #options: SettlerOptions<Tables, Payload, Result>
  readonly #waiting: Finished<Payload, Result>[] = []
  #flushing: Promise<void> | undefined

  constructor(options: SettlerOptions<Tables, Payload, Result>) {
    this.#options = options
  }

  add(finished: Finished<Payload, Result>): void {
    this.#waiting.push(finished)
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
      await this.#settle(this.#waiting.splice(0, this.#options.batch))
    }
    this.#flushing = undefined
  }

  async #settle(batch: readonly Finished<Payload, Result>[]): Promise<void> {
    const { database, settlements, log, name, onEnd } = this.#options
    try {
      const accepted = await database.write(async (trx) => {
        const held = await settlements.settle(trx, batch)
        await this.#tell(trx, held)
        return new Set(held)
      })
      for (const finished of batch) onEnd(finished, accepted.has(finished))
    } catch (error) {
      if (error instanceof DatabaseUnavailable) await this.#again(batch, error)
      else if (batch.length > 1) for (const finished of batch) await this.#settle([finished])
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
    const { log, name, onEnd } = this.#options
    log.warn({ context: 'Queue', queue: name, err: error }, 'outcomes wait for the database')
    await delay(UNAVAILABLE_PAUSE_MS)
    const now = performance.now()
    for (const finished of batch) if (finished.leaseEnds <= now) onEnd(finished, false)
    const rest = batch.filter(({ leaseEnds }) => leaseEnds > now)
    if (rest.length > 0) await this.#settle(rest)
  }

  /** `settled` refused: the job is taken up again later, until it has been so too often. */
  async #postpone(finished: Finished<Payload, Result>, error: unknown): Promise<void> {
    const { database, settlements, log, name, maxLeases, errorDelayMs, onEnd } = this.#options
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
  }
}

import { performance } from 'node:perf_hooks'
import type { DatabaseLog } from '../database/index.ts'
import type { TakenUp } from './job-row.ts'
import type { Job, Outcome, QueueCounters } from './queue-options.ts'
import type { Finished } from './settler.ts'

/** Part of the lease after which a worker is asked to come to an end; at its end its place is given to others. */
const ABORT_AT = 0.9

interface Running<Row> {
  row: Row
  /** Made when its worker asks for it. */
  abort: AbortController | undefined
  /** `performance.now()` */
  leaseEnds: number
  /** Why its worker is to come to an end. */
  interrupted: Error | undefined
}

export interface WorkersOptions<Payload, Result, Row> {
  name: string
  /** @throws ValueRefused the stored payload fits the schema no more */
  read: (row: Row) => Job<Payload>
  work: (job: Job<Payload>, context: { readonly signal: AbortSignal }) => Promise<Outcome<Result>>
  onFinished: (finished: Finished<Payload, Result, Row>) => void
  /** A job lost its place without having finished. */
  onAbandoned: (row: Row) => void
  concurrency: number
  leaseMs: number
  errorDelayMs: (attempt: number) => number
  counters: QueueCounters
  log: DatabaseLog
}

function interrupt(running: Running<unknown>, reason: Error): void {
  running.interrupted = reason
  running.abort?.abort(reason)
}

function signalOf(running: Running<unknown>): AbortSignal {
  running.abort ??= new AbortController()
  if (running.interrupted !== undefined) running.abort.abort(running.interrupted)
  return running.abort.signal
}

/** Runs jobs, and knows which are running in this process. */
export class Workers<Payload, Result, Row extends TakenUp> {
  readonly #options: WorkersOptions<Payload, Result, Row>
  /** In the order in which their leases end. */
  readonly #running = new Map<Row, Running<Row>>()
  readonly #lanes = new Map<string, number>()
  readonly #reserved = new Set<Row>()
  #timer: NodeJS.Timeout | undefined
  #closing = false
  #whenIdle: (() => void) | undefined

  constructor(options: WorkersOptions<Payload, Result, Row>) {
    this.#options = options
  }

  get free(): number {
    return this.#options.concurrency - this.#running.size - this.#reserved.size
  }

  get running(): number {
    return this.#running.size
  }

  ofLane(lane: string): number {
    return this.#lanes.get(lane) ?? 0
  }

  /** Those of a lane that run, and those that were taken up in a transaction which has not committed. */
  takenOf(lane: string): number {
    let taken = this.ofLane(lane)
    for (const row of this.#reserved) if (row.lane === lane) taken += 1
    return taken
  }

  reserve(rows: readonly Row[]): void {
    for (const row of rows) this.#reserved.add(row)
  }

  unreserve(rows: readonly Row[]): void {
    for (const row of rows) this.#reserved.delete(row)
  }

  start(row: Row): void {
    const leaseEnds = performance.now() + this.#options.leaseMs
    const running = { row, abort: undefined, leaseEnds, interrupted: undefined }
    this.#running.set(row, running)
    this.#lanes.set(row.lane, this.ofLane(row.lane) + 1)
    this.#watch()
    void this.#run(running)
  }

  /**
   * The outcome of a job is stored, will never be, or waits for it elsewhere: its place is free.
   * @returns false: it had lost its place already
   */
  end(row: Row): boolean {
    if (!this.#running.delete(row)) return false
    const left = this.ofLane(row.lane) - 1
    if (left > 0) this.#lanes.set(row.lane, left)
    else this.#lanes.delete(row.lane)
    if (this.#running.size > 0) return true
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#whenIdle?.()
    return true
  }

  /** Resolves when no job runs. */
  async idle(): Promise<void> {
    if (this.#running.size > 0)
      await new Promise<void>((resolve) => void (this.#whenIdle = resolve))
  }

  /** Asks every worker to come to an end; what it throws then is no failure of its job. */
  interrupt(): void {
    this.#closing = true
    for (const running of this.#running.values()) interrupt(running, new Error('The queue closes'))
  }

  /** Gives up on those that still run. */
  abandon(): Row[] {
    const rows = [...this.#running.keys()]
    for (const row of rows) this.end(row)
    return rows
  }

  async #run(running: Running<Row>): Promise<void> {
    const { row, leaseEnds } = running
    const { read, work, onFinished, counters, log, name, errorDelayMs } = this.#options
    const fields = { context: 'Queue', queue: name, job: row.id, lane: row.lane }
    let job: Job<Payload>
    try {
      job = read(row)
    } catch (error) {
      log.error({ ...fields, err: error }, 'the payload of a job is refused')
      const reason = `its payload is refused: ${error instanceof Error ? error.message : 'unknown'}`
      onFinished({ row, job: undefined, outcome: { status: 'dead', reason }, leaseEnds })
      return
    }
    let outcome: Outcome<Result>
    try {
      outcome = await work(job, {
        get signal() {
          return signalOf(running)
        },
      })
    } catch (error) {
      // Left in the set: `close` gives it back.
      if (this.#closing) return
      counters.failed += 1
      log.error({ ...fields, attempt: row.attempt, err: error }, 'a job failed')
      outcome = { status: 'retry', delayMs: errorDelayMs(row.attempt) }
    }
    onFinished({ row, job, outcome, leaseEnds })
  }

  /** One timer for all: they get their leases one after the other, and all for the same time. */
  #watch(): void {
    if (this.#timer !== undefined) return
    const next = this.#firstDeadline()
    if (next === undefined) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#expire()
        this.#watch()
      },
      Math.max(1, next - performance.now()),
    )
  }

  /** When the first of them is to be asked to end, or loses its place. */
  #firstDeadline(): number | undefined {
    const { leaseMs } = this.#options
    let first: number | undefined
    for (const { leaseEnds, interrupted } of this.#running.values()) {
      if (interrupted === undefined)
        return Math.min(first ?? Infinity, leaseEnds - leaseMs * (1 - ABORT_AT))
      first ??= leaseEnds
    }
    return first
  }

  #expire(): void {
    const { log, name, leaseMs, onAbandoned } = this.#options
    const now = performance.now()
    for (const running of this.#running.values()) {
      const { row, leaseEnds, interrupted } = running
      if (now < leaseEnds - leaseMs * (1 - ABORT_AT)) return
      if (interrupted === undefined) interrupt(running, new Error('The lease of the job ends'))
      if (now < leaseEnds) continue
      const fields = { context: 'Queue', queue: name, job: row.id, lane: row.lane }
      log.warn(fields, 'a job did not come to an end within its lease')
      this.end(row)
      onAbandoned(row)
    }
  }
}

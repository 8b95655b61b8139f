import { performance } from 'node:perf_hooks'
import type { DatabaseLog } from '../database/index.ts'
import type { JobRow } from './job-row.ts'
import type { Job, Outcome, QueueCounters } from './queue-options.ts'
import type { Finished } from './settler.ts'

/** Part of the lease after which a worker is asked to come to an end; at its end its place is given to others. */
const ABORT_AT = 0.9

interface Running {
  row: JobRow
  abort: AbortController
  timer: NodeJS.Timeout
  leaseEnds: number
}

export interface WorkersOptions<Payload, Result> {
  name: string
  /** @throws ValueRefused the stored payload fits the schema no more */
  read: (row: JobRow) => Job<Payload>
  work: (job: Job<Payload>, context: { signal: AbortSignal }) => Promise<Outcome<Result>>
  onFinished: (finished: Finished<Payload, Result>) => void
  /** A job lost its place without having finished. */
  onAbandoned: () => void
  concurrency: number
  leaseMs: number
  errorDelayMs: (attempt: number) => number
  counters: QueueCounters
  log: DatabaseLog
}

/** Runs jobs, and knows which are running in this process. */
export class Workers<Payload, Result> {
  readonly #options: WorkersOptions<Payload, Result>
  readonly #running = new Map<JobRow, Running>()
  readonly #lanes = new Map<string, number>()
  #closing = false
  #whenIdle: (() => void) | undefined

  constructor(options: WorkersOptions<Payload, Result>) {
    this.#options = options
  }

  get free(): number {
    return this.#options.concurrency - this.#running.size
  }

  get running(): number {
    return this.#running.size
  }

  ofLane(lane: string): number {
    return this.#lanes.get(lane) ?? 0
  }

  start(row: JobRow): void {
    const { leaseMs } = this.#options
    const abort = new AbortController()
    const timer = setTimeout(() => this.#expire(row), leaseMs * ABORT_AT)
    const running = { row, abort, timer, leaseEnds: performance.now() + leaseMs }
    this.#running.set(row, running)
    this.#lanes.set(row.lane, this.ofLane(row.lane) + 1)
    void this.#run(running)
  }

  /** The outcome of a job is stored, or will never be: its place is free. */
  end(row: JobRow): void {
    const running = this.#running.get(row)
    if (running === undefined) return
    clearTimeout(running.timer)
    this.#running.delete(row)
    const left = this.ofLane(row.lane) - 1
    if (left > 0) this.#lanes.set(row.lane, left)
    else this.#lanes.delete(row.lane)
    if (this.#running.size === 0) this.#whenIdle?.()
  }

  /** Resolves when no job runs. */
  async idle(): Promise<void> {
    if (this.#running.size > 0)
      await new Promise<void>((resolve) => void (this.#whenIdle = resolve))
  }

  /** Asks every worker to come to an end; what it throws then is no failure of its job. */
  interrupt(): void {
    this.#closing = true
    for (const { abort } of this.#running.values()) abort.abort(new Error('The queue closes'))
  }

  /** Gives up on those that still run. */
  abandon(): JobRow[] {
    const rows = [...this.#running.keys()]
    for (const row of rows) this.end(row)
    return rows
  }

  async #run({ row, abort, leaseEnds }: Running): Promise<void> {
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
      outcome = await work(job, { signal: abort.signal })
    } catch (error) {
      // Left in the set: `close` gives it back.
      if (this.#closing) return
      counters.failed += 1
      log.error({ ...fields, attempt: row.attempt, err: error }, 'a job failed')
      outcome = { status: 'retry', delayMs: errorDelayMs(row.attempt) }
    }
    onFinished({ row, job, outcome, leaseEnds })
  }

  #expire(row: JobRow): void {
    const { log, name, leaseMs, onAbandoned } = this.#options
    const running = this.#running.get(row)
    if (running === undefined) return
    running.abort.abort(new Error('The lease of the job ends'))
    running.timer = setTimeout(
      () => {
        const fields = { context: 'Queue', queue: name, job: row.id, lane: row.lane }
        log.warn(fields, 'a job did not come to an end within its lease')
        this.end(row)
        onAbandoned()
      },
      leaseMs * (1 - ABORT_AT),
    )
  }
}

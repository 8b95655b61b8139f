import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { AnyDatabase, AnyTransaction, DatabaseLog } from '../database/index.ts'
import type { Claim, Claims } from './claims.ts'
import type { JobRow } from './job-row.ts'
import type { RowSettlements } from './settlements.ts'

/** For workers to notice that they were asked to end, when the queue closes. */
const ABORT_GRACE_MS = 250
/** Between two looks when nobody asks for one. */
const SHORTEST_PAUSE_MS = 2
/** While wake-ups follow one another, how often to look for what became due without one. */
const DUE_LOOK_MS = 250

/** The part of the workers that the dispatcher needs. */
export interface Places {
  readonly free: number
  /** Jobs were taken up in a transaction that has not committed: their places are not free. */
  reserve(rows: readonly JobRow[]): void
  unreserve(rows: readonly JobRow[]): void
  start(row: JobRow): void
  idle(): Promise<void>
  interrupt(): void
  abandon(): JobRow[]
}

export interface DispatcherOptions {
  name: string
  database: AnyDatabase
  claims: Claims
  settlements: RowSettlements
  workers: Places
  /** Resolves when no outcome waits to be stored. */
  flushed: () => Promise<void>
  onPoisoned: (row: JobRow) => void
  onClaimed: (jobs: number) => void
  pollMs: number
  closeMs: number
  log: DatabaseLog
}

/**
 * Takes up jobs while there is room: at once when woken, else when the next one becomes due, at the latest after
 * `pollMs`, which is the truth: a wake-up may be lost with the process that owed it.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions
  #state: 'new' | 'open' | 'closed' = 'new'
  #timer: NodeJS.Timeout | undefined
  #turn: Promise<void> | undefined
  /** Look without asking first whether it is worth it. */
  #woken = false
  /** When what became due was last looked for. */
  #dueLooked = Number.NEGATIVE_INFINITY
  /** Somebody asked during the present turn. */
  #again = false
  /** The last claim left something behind, for want of room. */
  #more = false

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'open'
    this.wake(true)
  }

  /**
   * There may be something to do.
   * @param due also among what becomes due by itself
   */
  wake(due: boolean): void {
    if (due) this.#dueLooked = Number.NEGATIVE_INFINITY
    this.#woken = true
    this.look()
  }

  /** Takes nothing up any more; waits for what runs, then gives back the rest. */
  async close(): Promise<void> {
    const { workers, closeMs, flushed } = this.#options
    this.#state = 'closed'
    clearTimeout(this.#timer)
    await Promise.race([this.#turn, delay(closeMs, undefined, { ref: false })])
    await Promise.race([workers.idle(), delay(closeMs, undefined, { ref: false })])
    workers.interrupt()
    await Promise.race([
      workers.idle(),
      delay(Math.min(ABORT_GRACE_MS, closeMs), undefined, { ref: false }),
    ])
    const rest = workers.abandon()
    await Promise.race([flushed(), delay(closeMs, undefined, { ref: false })])
    await this.#giveBack(rest)
  }

  async #giveBack(rows: readonly JobRow[]): Promise<void> {
    const { database, settlements, log, name } = this.#options
    if (rows.length === 0) return
    const fields = { context: 'Queue', queue: name, jobs: rows.length }
    try {
      await database.write((trx) => settlements.release(trx, rows))
      log.info(fields, 'jobs were given back')
    } catch (error) {
      log.warn({ ...fields, err: error }, 'jobs that were taken up wait for their lease to end')
    }
  }

  /** There is room again. */
  look(): void {
    if (this.#state !== 'open') return
    this.#again = true
    if (this.#turn !== undefined) return
    clearTimeout(this.#timer)
    this.#turn = this.#dispatch()
  }

  /**
   * Takes up what comes next in the transaction that settles what came before: half the commits under a backlog.
   * @param ending the jobs that are settled in it
   * @returns undefined where nobody waits for the room
   */
  async claimAfter(trx: AnyTransaction, ending: readonly JobRow[]): Promise<Claim | undefined> {
    if (this.#state !== 'open' || !this.#more) return undefined
    const lanes = new Map<string, number>()
    for (const { lane } of ending) lanes.set(lane, (lanes.get(lane) ?? 0) + 1)
    const { workers, claims } = this.#options
    const claim = await claims.claim(trx, workers.free + ending.length, false, lanes)
    workers.reserve(claim.jobs)
    return claim
  }

  /** The transaction of {@link claimAfter} is over. @param committed false: nothing of it happened */
  async claimed(claim: Claim, committed: boolean): Promise<void> {
    this.#options.workers.unreserve(claim.jobs)
    if (!committed) return
    if (this.#isClosed()) {
      await this.#giveBack(claim.jobs)
      return
    }
    this.#more = claim.jobs.length > 0
    this.#begin(claim)
    if (!this.#more) this.look()
  }

  get #free(): number {
    return this.#options.workers.free
  }

  #begin({ jobs, poisoned }: Claim): void {
    const { workers, onPoisoned, onClaimed } = this.#options
    onClaimed(jobs.length)
    for (const row of jobs) workers.start(row)
    for (const row of poisoned) onPoisoned(row)
  }

  async #dispatch(): Promise<void> {
    const { pollMs, log, name } = this.#options
    let pauseMs = pollMs
    try {
      this.#again = false
      pauseMs = await this.#fill()
    } catch (error) {
      this.#woken = false
      log.warn({ context: 'Queue', queue: name, err: error }, 'no jobs could be taken up')
    }
    this.#turn = undefined
    if (this.#state !== 'open') return
    // Whoever asked during this turn may have been too late for its last look.
    this.#timer = setTimeout(() => this.look(), this.#again && this.#free > 0 ? 0 : pauseMs)
  }

  /** @returns milliseconds until the next look */
  async #fill(): Promise<number> {
    const { claims, pollMs } = this.#options
    while (this.#state === 'open' && this.#free > 0) {
      const look = this.#woken ? undefined : await claims.probe()
      this.#more = look?.ready ?? true
      if (look !== undefined && !look.ready) return this.#pause(look)
      this.#woken = false
      // Whoever woke us made jobs ready; what has become due by itself is only looked for now and then.
      const due = look?.due ?? performance.now() - this.#dueLooked > DUE_LOOK_MS
      if (due) this.#dueLooked = performance.now()
      const claim = await this.#claim(due)
      if (this.#isClosed()) {
        await this.#giveBack(claim.jobs)
        return pollMs
      }
      this.#begin(claim)
      // What is ready stands in lanes that are held or full.
      if (claim.jobs.length === 0) return this.#pause(await claims.probe())
    }
    return pollMs
  }

  async #claim(due: boolean): Promise<Claim> {
    const { claims, database, workers } = this.#options
    let reserved: readonly JobRow[] = []
    const reserve = (rows: readonly JobRow[]): void => {
      workers.unreserve(reserved)
      workers.reserve(rows)
      reserved = rows
    }
    try {
      return await database.write(async (trx) => {
        reserve([])
        const claim = await claims.claim(trx, this.#free, due)
        reserve(claim.jobs)
        return claim
      })
    } finally {
      reserve([])
    }
  }

  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** What is due already became so since the last look, or somebody else has it in hand. */
  #pause({ dueInMs }: { dueInMs: number | undefined }): number {
    const { pollMs } = this.#options
    return Math.min(pollMs, Math.max(dueInMs ?? pollMs, SHORTEST_PAUSE_MS))
  }
}

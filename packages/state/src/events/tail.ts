import { performance } from 'node:perf_hooks'
import type { DatabaseLog, Signals } from '@potok/core/database'
import type { Sequencer, StoreView } from './sequencer.ts'

/** The head of the log has moved. */
const SIGNAL = 'events'

export interface TailOptions {
  sequencer: Sequencer
  log: DatabaseLog
  /** Replicas tell each other when the head moves. */
  signals: Signals
  /** How often the store is asked, for what other replicas wrote. */
  pollMs: number
}

/**
 * Knows where the log ends and says when that moves: woken by commits of this process, and by polling for what other
 * replicas wrote and for what a replica committed and did not live to give a position.
 */
export class Tail {
  readonly #options: TailOptions
  readonly #listeners = new Set<() => void>()
  #view: StoreView | undefined
  #lookedAt = -Infinity
  #timer: NodeJS.Timeout | undefined
  #turning: Promise<void> | undefined
  /** The turn after the one that runs, and whether events were committed that it has to give a position. */
  #next: { turn: Promise<void>; committed: boolean } | undefined
  #deafen = (): void => {}
  #closed = false

  constructor(options: TailOptions) {
    this.#options = options
  }

  /** Call it once before anything else. */
  async start(): Promise<void> {
    const { sequencer, pollMs, signals } = this.#options
    await sequencer.begin()
    this.#lookedAt = performance.now()
    this.#view = await sequencer.view()
    this.#timer = setInterval(() => void this.#look(false), pollMs).unref()
    this.#deafen = signals.on(SIGNAL, () => void this.#look(false))
  }

  /** Events were committed. */
  wake(): void {
    void this.#look(true)
  }

  /** Where the log stood when it was last looked at. */
  get view(): StoreView {
    if (this.#view === undefined) throw new Error('The tail of the event log has not been started')
    return this.#view
  }

  /** When that look began, `performance.now()`: everything committed before is in the view. */
  get lookedAt(): number {
    return this.#lookedAt
  }

  /** Looks now; what was committed before the call is seen. */
  async look(): Promise<StoreView> {
    await this.#look(true)
    return this.view
  }

  /** Calls `listener` whenever the head moves or a stretch begins. @returns how to stop */
  follow(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    this.#deafen()
    await (this.#next?.turn ?? this.#turning)
  }

  /**
   * Runs a turn; while one runs, exactly one more after it, which then sees everything committed until now. Whoever asks
   * waits for that one turn and no longer: as long as others write there is always one more.
   */
  #look(committed: boolean): Promise<void> {
    if (this.#closed) return Promise.resolve()
    if (this.#next !== undefined) {
      this.#next.committed ||= committed
      return this.#next.turn
    }
    if (this.#turning === undefined) return this.#begin(committed)
    const turn = this.#turning.then(() => this.#begin(this.#next?.committed ?? false))
    this.#next = { committed, turn }
    return turn
  }

  #begin(committed: boolean): Promise<void> {
    this.#next = undefined
    if (this.#closed) return Promise.resolve()
    const turn = this.#turn(committed)
      .catch((error: unknown) => {
        if (!this.#closed)
          this.#options.log.warn({ err: error }, 'the event log could not be followed')
      })
      .finally(() => (this.#turning = undefined))
    this.#turning = turn
    return turn
  }

  async #turn(committed: boolean): Promise<void> {
    const { sequencer, signals } = this.#options
    const known = this.view
    const startedAt = performance.now()
    if (committed) await sequencer.sequence(known)
    let next = await sequencer.view(known)
    if (next.unsequenced) {
      await sequencer.sequence(next)
      next = await sequencer.view(next)
    }
    this.#view = next
    this.#lookedAt = startedAt
    if (next.head === known.head && next.epoch === known.epoch) return
    if (committed) signals.raise(SIGNAL)
    for (const listener of this.#listeners) listener()
  }
}

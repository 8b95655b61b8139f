/** Updates for a bot that polls: one order, a marker, kept for a day of the platform. */
import type { Bounds } from './bounds.ts'
import type { Clock } from './clock.ts'
import type { WireUpdate } from './wire.ts'

const RETENTION_MS = 24 * 60 * 60 * 1000

interface Entry {
  readonly position: number
  readonly at: number
  readonly update: WireUpdate
}

export interface Page {
  updates: WireUpdate[]
  marker: number
}

export interface PollQuery {
  /** Commits everything before it. Absent: from the last commitment. */
  marker?: number | undefined
  limit: number
  types?: readonly string[] | undefined
}

export class EventLog {
  readonly #bounds: Bounds
  readonly #clock: Clock
  #entries: Entry[] = []
  /** Rises over restarts, so that a marker which a bot has stored is never ahead of the log. */
  #next: number
  #committed: number
  readonly #waiting = new Set<() => void>()
  #closed = false
  /** Unix milliseconds of the last read; undefined: nobody has polled. */
  polledAt: number | undefined

  constructor({ bounds, clock }: { bounds: Bounds; clock: Clock }) {
    this.#bounds = bounds
    this.#clock = clock
    this.#next = clock.now()
    this.#committed = this.#next
  }

  append(update: WireUpdate): void {
    this.#entries.push({ position: this.#next, at: this.#clock.now(), update })
    this.#next += 1
    if (this.#entries.length > this.#bounds.pollEvents) this.#entries.shift()
    this.#wake()
  }

  /** What is there now. Updates of other types are passed over. */
  read({ marker, limit, types }: PollQuery): Page {
    this.polledAt = this.#clock.now()
    const from = Math.min(marker ?? this.#committed, this.#next)
    this.#committed = Math.max(this.#committed, from)
    this.#entries = this.#entries.filter(
      ({ position, at }) => position >= this.#committed && this.#clock.age(at) < RETENTION_MS,
    )
    const wanted = this.#entries.filter(
      ({ position, update }) =>
        position >= from && (types === undefined || types.includes(update.update_type)),
    )
    const page = wanted.slice(0, limit)
    const last = page.at(-1)
    return {
      updates: page.map(({ update }) => update),
      marker: wanted.length > page.length && last !== undefined ? last.position + 1 : this.#next,
    }
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Resolves when something is appended, after `timeoutMs` (real), or when the asker leaves. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, timeoutMs)
      this.#waiting.add(done)
      signal.addEventListener('abort', done)
      if (signal.aborted || this.#closed) done()
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Nobody waits any more. */
  close(): void {
    this.#closed = true
    this.#wake()
  }

  clear(): void {
    this.#entries = []
  }

  #wake(): void {
    for (const done of this.#waiting) done()
  }
}

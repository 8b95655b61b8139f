import type { FastifyBaseLogger } from 'fastify'
import type { NotificationRow, NotificationRows } from './rows.ts'

export interface CourierDeps {
  rows: Pick<NotificationRows, 'since'>
  /** Hands one over to whoever is connected here. */
  deliver: (row: NotificationRow) => void
  /** Between two looks at the table, for what other replicas stored. */
  pollMs: number
  /** A row may become visible so much later than its time says: the longest transaction. */
  overlapMs: number
  log: Pick<FastifyBaseLogger, 'warn'>
}

/** Brings each notification to this replica's sockets once, whoever stored it. The table is the truth; a wake-up is only faster. */
export class Courier {
  readonly #deps: CourierDeps
  /** Handed over, and still within the overlap: id → when it was stored. */
  readonly #told = new Map<string, number>()
  /** Everything before this time was handed over. */
  #since: number | undefined
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #again = false
  #closed = false
  #failing = false

  constructor(deps: CourierDeps) {
    this.#deps = deps
  }

  /** What is there before the start is for those who come. */
  async start(): Promise<void> {
    const { now } = await this.#deps.rows.since(Number.MAX_SAFE_INTEGER)
    this.#since = now - this.#deps.overlapMs
    await this.#turn()
    this.#timer = setInterval(() => void this.look(), this.#deps.pollMs).unref()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#looking
  }

  /** Looks now; resolves when what was stored before the call has been handed over, or could not be read. */
  look(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    if (this.#looking === undefined) this.#looking = this.#turns()
    else this.#again = true
    return this.#looking
  }

  hasTold({ id, created_at: at }: NotificationRow): boolean {
    return this.#told.has(id) || (this.#since !== undefined && at < this.#since)
  }

  async #turns(): Promise<void> {
    try {
      do {
        this.#again = false
        await this.#turn()
      } while (this.#again && !this.#closed)
      this.#failing = false
    } catch (error) {
      if (!this.#failing) this.#deps.log.warn({ err: error }, 'notifications could not be read')
      this.#failing = true
    } finally {
      this.#looking = undefined
    }
  }

  async #turn(): Promise<void> {
    const { rows, deliver, overlapMs } = this.#deps
    const found = await rows.since(this.#since ?? Number.MAX_SAFE_INTEGER)
    for (const row of found.rows) {
      if (this.#told.has(row.id)) continue
      this.#told.set(row.id, row.created_at)
      deliver(row)
    }
    const since = found.now - overlapMs
    this.#since = since
    for (const [id, at] of this.#told) if (at < since) this.#told.delete(id)
  }
}

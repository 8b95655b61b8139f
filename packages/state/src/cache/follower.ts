import { EntityEventName } from '@potok/contracts/state'
import type { DatabaseLog } from '@potok/core/database'
import { createParser } from '@potok/core/validation'
import { Type } from '@sinclair/typebox'
import type { EventFeed } from '../events/index.ts'

export interface Change {
  entity: string
  id: string
  version: number
}

export interface FollowerOptions {
  feed: EventFeed
  /** Changes in the order of the log. */
  onChanges: (changes: readonly Change[]) => void
  /** The log is another one than it was, or what came meanwhile cannot be told any more. */
  onReset: () => void
  /** The process has known everything that is older than this. Milliseconds. */
  staleMs: number
  log: Pick<DatabaseLog, 'warn'>
  /** The clock of {@link EventFeed.view}: monotonic milliseconds. */
  now: () => number
}

const isEntityEvent = createParser(EntityEventName).check
const parseLine = createParser(
  Type.Object({
    data: Type.Object({ entity: Type.String(), id: Type.String(), version: Type.Integer() }),
  }),
)

/** Follows the event log in this process, and knows how far behind it may be. */
export class Follower {
  readonly #options: FollowerOptions
  readonly #stop: () => void
  #position: number
  #epoch: string
  /** Everything committed before this moment has been handed on. */
  #seenUntil: number
  #reading: Promise<void> | undefined
  #closed = false

  /** Begins at the head: who is told now knows nothing older. */
  constructor(options: FollowerOptions) {
    this.#options = options
    const { head, epoch, lookedAt } = options.feed.view()
    this.#position = head
    this.#epoch = epoch
    this.#seenUntil = lookedAt
    this.#stop = options.feed.follow(() => this.#look())
  }

  /** What was committed longer than `staleMs` ago has been handed on. */
  get isCurrent(): boolean {
    const { head, epoch, lookedAt } = this.#options.feed.view()
    const isBehind = head !== this.#position || epoch !== this.#epoch
    // After a failed read nobody else would begin anew before the log moves on.
    if (isBehind) this.#look()
    const seenUntil = isBehind ? this.#seenUntil : lookedAt
    return this.#options.now() - seenUntil <= this.#options.staleMs
  }

  /** Waits for the page that is being read. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stop()
    await this.#reading
  }

  #look(): void {
    if (this.#closed) return
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
  }

  async #read(): Promise<void> {
    const { feed, log } = this.#options
    try {
      for (let view = feed.view(); !this.#closed; view = feed.view()) {
        if (view.epoch !== this.#epoch || this.#position < view.purged) this.#begin(view)
        if (this.#position >= view.head) return void (this.#seenUntil = view.lookedAt)
        const { lines, upTo } = await feed.read(this.#position)
        // The log may have been put back while the page was read.
        if (feed.view().epoch !== this.#epoch) continue
        this.#options.onChanges(lines.flatMap(changeOf))
        this.#position = upTo
      }
    } catch (error) {
      // The next look tries again; until then nobody takes what is kept for current.
      log.warn({ err: error }, 'the cache could not follow the event log')
    }
  }

  #begin({ head, epoch }: { head: number; epoch: string }): void {
    this.#epoch = epoch
    this.#position = head
    this.#options.onReset()
  }
}

function changeOf({ event, json }: { event: string; json: string }): Change[] {
  return isEntityEvent(event) ? [parseLine(JSON.parse(json)).data] : []
}

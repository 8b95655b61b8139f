import type { EventLogItem } from '@potok/contracts/event'

/**
 * The newest stretch of the log in memory, without a gap, so that those who come back after a moment, all at once after
 * a restart, need not each ask the state service.
 */
export class Recent {
  readonly #most: number
  /** Where the stretch begins: the cursor before its first item. */
  #base: string | undefined
  #items: EventLogItem[] = []

  /** @param most items kept */
  constructor(most: number) {
    this.#most = most
  }

  /** One more event. `before` is where the follower of the log stood. */
  add(item: EventLogItem, before: string | undefined): void {
    this.#base ??= before
    this.#items.push(item)
    if (this.#items.length > this.#most) this.#base = this.#items.shift()?.cursor
  }

  /** @returns what follows a cursor; undefined when it is not one of this stretch */
  after(since: string): EventLogItem[] | undefined {
    if (since === this.#base) return [...this.#items]
    const index = this.#items.findLastIndex(({ cursor }) => cursor === since)
    return index < 0 ? undefined : this.#items.slice(index + 1)
  }

  /** Makes the stretch longer at its beginning, by what was read from the log after `since`. */
  extend(since: string, read: readonly EventLogItem[]): void {
    const index = read.findIndex(({ cursor }) => cursor === this.#base)
    const earlier = read.slice(0, index + 1)
    if (index < 0 || earlier.length + this.#items.length > this.#most) return
    this.#items = [...earlier, ...this.#items]
    this.#base = since
  }

  /** The log goes on from here, whatever stood before. */
  restart(base: string): void {
    this.#base = base
    this.#items = []
  }
}

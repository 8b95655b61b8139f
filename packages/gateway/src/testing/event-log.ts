import type { EventLogItem } from '@potok/contracts/event'
import type { Metadata } from '@potok/contracts/state'

const TIMESTAMP = '2026-01-01T00:00:00.000Z'

/** An event log in memory. Cursors change their epoch with every start of the service, and stay good. */
export class TestLog {
  readonly #versions = new Map<string, number>()
  #items: EventLogItem[] = []
  #epoch = 1
  #base = 'e0.0'

  head(): string {
    return this.#items.at(-1)?.cursor ?? this.#base
  }

  items(): readonly EventLogItem[] {
    return this.#items
  }

  /** What follows a cursor; undefined for one that is not of this log. */
  after(cursor: string): EventLogItem[] | undefined {
    if (cursor === this.#base) return this.#items
    const index = this.#items.findIndex((item) => item.cursor === cursor)
    return index < 0 ? undefined : this.#items.slice(index + 1)
  }

  append(entity: string, id: string, status: string | null, metadata: Metadata = {}): EventLogItem {
    const version = (this.#versions.get(`${entity}/${id}`) ?? 0) + 1
    this.#versions.set(`${entity}/${id}`, version)
    const changed = version === 1 ? ('entity.created' as const) : ('entity.updated' as const)
    return this.#add({
      cursor: this.#next(),
      id: `evt_${entity}_${id}_${version}_${this.#epoch}`,
      event: status === null ? 'entity.deleted' : changed,
      timestamp: TIMESTAMP,
      data: {
        entity,
        id,
        previousStatus: version === 1 ? null : 'created',
        newStatus: status,
        metadata,
        version,
        actor: 'user:u1',
        reason: null,
        correlationId: 'c-1',
      },
    })
  }

  custom(): EventLogItem {
    const cursor = this.#next()
    const data = { name: 'tick', data: null }
    return this.#add({
      cursor,
      id: `evt_${cursor}`,
      event: 'custom.event',
      timestamp: TIMESTAMP,
      data,
    })
  }

  /** The service starts again. */
  begin(): void {
    this.#epoch += 1
  }

  /** A backup came back: what was after the first `keep` events never happened. */
  restore(keep: number): void {
    this.#items = this.#items.slice(0, keep)
    this.#epoch += 1
  }

  /** Retention: the oldest are gone. */
  purge(count: number): void {
    this.#base = this.#items[count - 1]?.cursor ?? this.#base
    this.#items = this.#items.slice(count)
  }

  #next(): string {
    return `e${this.#epoch}.${Number(this.head().split('.')[1]) + 1}`
  }

  #add(item: EventLogItem): EventLogItem {
    this.#items.push(item)
    return item
  }
}

import { listKey, listTagKey } from './keys.ts'
import type { Memory } from '../lib/memory.ts'
import type { RedisLevel } from './redis-level.ts'
import type { Found, Outcome } from './state-cache.ts'

/** A list in the memory of this process. */
export interface RememberedList {
  body: string
  /** When the store was asked. */
  askedAt: number
}

export interface ListCacheOptions {
  memory: Memory<RememberedList>
  keepsBodies: boolean
  levels: readonly RedisLevel[]
  ttl: (key: string) => number
  isCurrent: () => boolean
  count: (outcome: Outcome) => void
  now: () => number
}

export interface Question {
  entity: string
  /** Equal for equal questions. */
  text: string
  /** What the caller takes. */
  acceptedAgeMs: number
}

export type FoundList = Pick<Found, 'body' | 'level'>

/** Longer lists are not kept. Characters. */
const LIST_LIMIT = 262_144

/** Lists for callers who say how old they may be. Every change of a state ends the lists of its type. */
export class ListCache {
  readonly #options: ListCacheOptions
  readonly #loads = new Map<string, Promise<FoundList>>()
  /** By entity type, when the last change was heard of. */
  readonly #changedAt = new Map<string, number>()
  #resetAt = -Infinity

  constructor(options: ListCacheOptions) {
    this.#options = options
  }

  /** @throws what `load` throws */
  async find(question: Question, load: () => Promise<string>): Promise<FoundList> {
    const { count, memory, now } = this.#options
    const key = listKey(question.entity, question.text)
    const kept = memory.get(key)
    if (kept !== undefined && this.#isGood(question, kept.askedAt)) {
      count('local')
      return { body: kept.body, level: 'local' }
    }
    // Who takes less than the time that a query needs would wait for one that began before it asked.
    const under = `${key} ${question.acceptedAgeMs} ${this.#changedAt.get(question.entity) ?? 0}`
    const running = this.#loads.get(under)
    const result = running ?? this.#search(key, question, now(), load)
    if (running === undefined) {
      this.#loads.set(under, result)
      const end = (): void => void this.#loads.delete(under)
      result.then(end, end)
    }
    const found = await result
    count(found.level)
    return found
  }

  /** States of these types changed. @returns the tags that end their lists in the levels */
  changed(entities: Iterable<string>): { keys: string[]; ttlMs: number } {
    const { now, ttl } = this.#options
    const keys: string[] = []
    let ttlMs = 0
    for (const entity of new Set(entities)) {
      this.#changedAt.set(entity, now())
      const key = listTagKey(entity)
      // A list must not outlive the tag that ended it.
      const listTtlMs = 2 * ttl(`${key}:`)
      if (listTtlMs === 0) continue
      keys.push(key)
      ttlMs = Math.max(ttlMs, listTtlMs)
    }
    return { keys, ttlMs }
  }

  /** Forgets everything. */
  reset(): void {
    this.#resetAt = this.#options.now()
    this.#loads.clear()
    this.#options.memory.clear()
  }

  #isGood({ entity, acceptedAgeMs }: Question, askedAt: number): boolean {
    const { isCurrent, now, ttl } = this.#options
    const ageMs = now() - askedAt
    if (ageMs > acceptedAgeMs || ageMs >= ttl(`${listTagKey(entity)}:`)) return false
    return askedAt > (this.#changedAt.get(entity) ?? -Infinity) && isCurrent()
  }

  async #search(
    key: string,
    question: Question,
    askedAt: number,
    load: () => Promise<string>,
  ): Promise<FoundList> {
    const { levels, ttl } = this.#options
    const ttlMs = ttl(key)
    if (ttlMs === 0) return { body: await load(), level: 'miss' }
    const open: { level: RedisLevel; tag: string; generation: string }[] = []
    for (const level of levels) {
      const seen = await level.readList(listTagKey(question.entity), key)
      if (seen === undefined) continue
      const { list, tag } = seen
      if (
        list !== undefined &&
        list.ageMs <= question.acceptedAgeMs &&
        this.#isNew(question, list.ageMs)
      ) {
        return { body: list.body, level: level.name }
      }
      open.push({ level, tag, generation: level.generation })
    }
    const body = await load()
    if (body.length > LIST_LIMIT || this.#resetAt >= askedAt) return { body, level: 'miss' }
    if (this.#options.keepsBodies) this.#options.memory.set(key, { body, askedAt })
    for (const { level, tag, generation } of open) {
      level.fillList(key, { tag, ttlMs, body }, generation)
    }
    return { body, level: 'miss' }
  }

  /** No change is known that came after it: the tag of that change may still be on its way. */
  #isNew({ entity }: Question, ageMs: number): boolean {
    return this.#options.now() - ageMs > (this.#changedAt.get(entity) ?? -Infinity)
  }
}

import { bodyStamp, floorOf, FOREIGN_STAMP, rankOf, voidStamp, type Entry } from './entry.ts'
import { stateKey } from './keys.ts'
import type { Memory } from '../lib/memory.ts'
import type { LevelName, Placed, RedisLevel } from './redis-level.ts'

/** A state as the store has it. */
export interface Loaded {
  version: number
  /** JSON text. */
  body: string
  /** It may be kept: it does not change without a new version, as one does that expires. */
  lasting: boolean
  /** It is not ours: read through from another service. */
  foreign?: boolean
}

export interface Found {
  version: number
  body: string
  level: LevelName | 'miss'
}

/** What a write left of one entity. */
export interface Written {
  entity: string
  id: string
  version: number
  /** JSON text; undefined: it was deleted, or it is not {@link Loaded.lasting}. */
  body: string | undefined
  /** Nothing but its expiry moved. */
  touched: boolean
}

/** An entry in the memory of this process. */
export interface Remembered extends Entry {
  storedAt: number
  ttlMs: number
}

export type Outcome = LevelName | 'miss' | 'bypass'

export interface StateCacheOptions {
  memory: Memory<Remembered>
  /** Bodies are kept in this process; else the memory only knows what is too old. */
  keepsBodies: boolean
  /** In the order in which they are asked. */
  levels: readonly RedisLevel[]
  /** Milliseconds by key; 0: not cached. */
  ttl: (key: string) => number
  /** Time to live in this process while the global level is away. */
  degradedTtlMs: number
  /** What others wrote more than a second ago is known here. */
  isCurrent: () => boolean
  count: (outcome: Outcome) => void
  /** Monotonic milliseconds. */
  now: () => number
}

/** Times that a reader goes back to the store because its answer was overtaken. */
const OVERTAKEN_LIMIT = 3

interface Load {
  result: Promise<Found>
}

/**
 * The levels in front of the store. Whatever they hold, a reader of this process never gets an older version than one
 * that was written here, told of by the event log, or given to a reader before.
 */
export class StateCache {
  readonly #options: StateCacheOptions
  /** Misses under way: one a key. */
  readonly #loads = new Map<string, Load>()
  /** Grows when everything that was read before is worth nothing. */
  #era = 0

  constructor(options: StateCacheOptions) {
    this.#options = options
  }

  /** A state from the nearest level that has it, else from the store. @throws what `load` throws */
  find(entity: string, id: string, load: () => Promise<Loaded>): Promise<Found> {
    const key = stateKey(entity, id)
    const kept = this.#kept(key)
    if (kept !== undefined) {
      this.#options.count('local')
      return Promise.resolve(kept)
    }
    return this.#counted((this.#loads.get(key) ?? this.#begin(key, load)).result)
  }

  /** A state from the store, whatever is kept. @throws what `load` throws */
  async fetch(entity: string, id: string, load: () => Promise<Loaded>): Promise<Found> {
    this.#options.count('bypass')
    return this.#fromStore(stateKey(entity, id), load)
  }

  /** After a commit: every level gets the new version, and this process knows it at once. */
  written(changes: readonly Written[], tags: { keys: readonly string[]; ttlMs: number }): void {
    const placed = changes.flatMap((change) => this.#apply(change))
    if (placed.length === 0 && tags.keys.length === 0) return
    for (const level of this.#options.levels) level.write(placed, tags)
  }

  /** Other processes wrote these versions. @returns how many were news */
  noticed(changes: readonly { entity: string; id: string; version: number }[]): number {
    const placed = changes.flatMap(({ entity, id, version }) => {
      const key = stateKey(entity, id)
      const floor = floorOf(version)
      if ((this.#options.memory.get(key)?.stamp ?? 0) >= floor.stamp) return []
      this.#loads.delete(key)
      this.#remember(key, floor)
      return this.#placed(key, floor)
    })
    // Who wrote may have died before it could tell the levels.
    if (placed.length > 0) {
      for (const level of this.#options.levels) level.write(placed, { keys: [], ttlMs: 0 })
    }
    return placed.length
  }

  /** Forgets everything: the store is another one than it was. */
  reset(): void {
    this.#era += 1
    this.#loads.clear()
    this.#options.memory.clear()
    for (const level of this.#options.levels) level.renew()
  }

  /** Forgets the bodies of keys in this process, not what is known to be too old. @returns how many */
  forget(fits: (key: string) => boolean): number {
    this.#era += 1
    this.#loads.clear()
    const { memory } = this.#options
    const found = memory.items().filter(([key, { body }]) => body !== undefined && fits(key))
    for (const [key, kept] of found) memory.set(key, { ...kept, body: undefined })
    return found.length
  }

  /** A body of this process that may be given out. */
  #kept(key: string): Found | undefined {
    const { memory, isCurrent, now } = this.#options
    const kept = memory.get(key)
    if (kept?.body === undefined) return undefined
    if (now() - kept.storedAt >= this.#lifetime(kept) || !isCurrent()) return undefined
    return { version: kept.version, body: kept.body, level: 'local' }
  }

  /** Without the global level nobody but the log tells of changes: two means are better than one. */
  #lifetime({ ttlMs }: Remembered): number {
    const { levels, degradedTtlMs } = this.#options
    const isDegraded = levels.some(({ name, isUp }) => name === 'global' && !isUp)
    return isDegraded ? Math.min(ttlMs, degradedTtlMs) : ttlMs
  }

  #begin(key: string, load: () => Promise<Loaded>): Load {
    const begun: Load = { result: this.#search(key, load) }
    this.#loads.set(key, begun)
    const end = (): void => {
      // A write may have put another load in its place.
      if (this.#loads.get(key) === begun) this.#loads.delete(key)
    }
    begun.result.then(end, end)
    return begun
  }

  async #search(key: string, load: () => Promise<Loaded>): Promise<Found> {
    const found = this.#options.ttl(key) > 0 ? await this.#fromLevels(key) : undefined
    return found ?? this.#fromStore(key, load)
  }

  async #counted(result: Promise<Found>): Promise<Found> {
    let level: Found['level'] = 'miss'
    try {
      const found = await result
      level = found.level
      return found
    } finally {
      this.#options.count(level)
    }
  }

  async #fromLevels(key: string): Promise<Found | undefined> {
    const { levels, isCurrent } = this.#options
    for (const level of levels) {
      // The local level lives by what the log tells, as the memory does.
      if (level.name === 'local' && !isCurrent()) continue
      const era = this.#era
      const entry = await level.read(key)
      if (entry?.body === undefined || era !== this.#era) continue
      if ((this.#options.memory.get(key)?.stamp ?? 0) > entry.stamp) continue
      this.#keep(key, entry, levels.slice(0, levels.indexOf(level)))
      return { version: entry.version, body: entry.body, level: level.name }
    }
    return undefined
  }

  async #fromStore(key: string, load: () => Promise<Loaded>): Promise<Found> {
    for (let attempt = 1; ; attempt += 1) {
      const era = this.#era
      const generations = this.#options.levels.map(({ generation }) => generation)
      const { version, body, lasting, foreign = false } = await load()
      const stamp = foreign ? FOREIGN_STAMP : bodyStamp(version)
      const entry = { stamp, version, body }
      // Somebody was quicker: what we have is older than what others were given already.
      const known = this.#options.memory.get(key)?.stamp ?? 0
      if (rankOf(known) > rankOf(stamp) && attempt < OVERTAKEN_LIMIT) continue
      if (era === this.#era) {
        this.#keep(
          key,
          lasting ? entry : { ...entry, body: undefined },
          this.#options.levels,
          generations,
        )
      }
      return { version, body, level: 'miss' }
    }
  }

  #keep(
    key: string,
    entry: Entry,
    levels: readonly RedisLevel[],
    generations: readonly string[] = levels.map(({ generation }) => generation),
  ): void {
    this.#remember(key, entry)
    for (const [place, level] of levels.entries()) {
      for (const placed of this.#placed(key, entry)) level.fill(placed, generations[place] ?? '')
    }
  }

  #apply({ entity, id, version, body, touched }: Written): Placed[] {
    const key = stateKey(entity, id)
    const stamp = touched ? voidStamp(version) : bodyStamp(version)
    const kept = this.#options.memory.get(key)
    this.#loads.delete(key)
    // A heartbeat after the first: nobody has a body of this version.
    if (touched && kept !== undefined && kept.body === undefined && kept.stamp >= stamp) return []
    const entry = { stamp, version, body: touched ? undefined : body }
    this.#remember(key, entry)
    return this.#placed(key, entry)
  }

  #remember(key: string, entry: Entry): void {
    const { memory, keepsBodies, ttl, now } = this.#options
    const kept = memory.get(key)
    if (kept !== undefined && kept.stamp > entry.stamp) return
    const ttlMs = ttl(key)
    const body = keepsBodies && ttlMs > 0 ? entry.body : undefined
    memory.set(key, { ...entry, body, ttlMs, storedAt: now() })
  }

  #placed(key: string, entry: Entry): Placed[] {
    const ttlMs = this.#options.ttl(key)
    return ttlMs > 0 ? [{ key, entry, ttlMs }] : []
  }
}

import type { Announcements } from './announcements.ts'
import { matcherOf } from './key-pattern.ts'
import type { ListCache } from './list-cache.ts'
import type { RedisLevel } from './redis-level.ts'
import type { StateCache } from './state-cache.ts'

export interface InvalidationDeps {
  cache: StateCache
  lists: ListCache
  levels: readonly RedisLevel[]
  announcements: Announcements
  invalidated: () => void
}

/** Keys that were forgotten, by level. */
export type Removed = { memory: number; local?: number; global?: number }

/** Everything: a new generation does it at once. */
const ALL = 'state:*'

export type Invalidation = ReturnType<typeof createInvalidation>

export function createInvalidation(deps: InvalidationDeps) {
  const { cache, lists, levels, announcements, invalidated } = deps

  function forget(pattern: string): number {
    invalidated()
    lists.reset()
    return cache.forget(matcherOf(pattern))
  }

  async function removeFrom(level: RedisLevel, pattern: string): Promise<number | undefined> {
    if (!level.isUp || pattern === ALL) {
      level.renew()
      return undefined
    }
    try {
      return await level.remove(pattern)
    } catch {
      // It is away now, and what it holds will not be trusted when it is back.
      level.renew()
      return undefined
    }
  }

  return {
    /** In this process alone: another replica was asked to, and saw to the levels that are shared. @returns how many */
    forget,
    /** Forgets keys in every level, here and in the other replicas. @throws DatabaseUnavailable */
    async invalidate(pattern: string): Promise<Removed> {
      const removed: Removed = { memory: 0 }
      for (const level of levels) {
        const count = await removeFrom(level, pattern)
        if (count !== undefined) removed[level.name] = count
      }
      // Last: until now a reader may have taken one from a level.
      removed.memory = forget(pattern)
      await announcements.announce(pattern)
      return removed
    },
  }
}

import type { RedisLink } from '../redis/index.ts'
import { createSharedHits } from './shared-hits.ts'

/** Hits of one key in its window, which starts with the first of them. */
export interface Count {
  current: number
  /** Milliseconds until the window ends. */
  ttl: number
}

export interface CountersOptions {
  /** Shared by all replicas; undefined: each process counts for itself. */
  link: RedisLink | undefined
  /** How long a request waits for Redis before it is counted here. */
  deadlineMs: number
  /** Keys remembered here; the least recently used are forgotten first. */
  maxKeys: number
  now: () => number
}

export type Counters = ReturnType<typeof createCounters>

/**
 * Counts hits in Redis and beside it. What Redis said last is kept, so that an outage goes on from there, and a key over
 * its limit is refused without asking: those who hammer cost Redis nothing.
 */
export function createCounters({ link, deadlineMs, maxKeys, now }: CountersOptions) {
  const local = new Map<string, { current: number; endsAt: number }>()
  const hitThere = link && createSharedHits(link, deadlineMs)

  function known(key: string) {
    const entry = local.get(key)
    return entry !== undefined && entry.endsAt > now() ? entry : undefined
  }

  function remember(key: string, { current, ttl }: Count): Count {
    local.delete(key)
    local.set(key, { current, endsAt: now() + ttl })
    if (local.size > maxKeys) {
      const [oldest] = local.keys()
      if (oldest !== undefined) local.delete(oldest)
    }
    return { current, ttl }
  }

  function hitHere(key: string, windowMs: number): Count {
    const entry = known(key)
    return remember(key, {
      current: (entry?.current ?? 0) + 1,
      ttl: entry === undefined ? windowMs : entry.endsAt - now(),
    })
  }

  return {
    /** Counts one hit. Never rejects, whatever Redis does. */
    hit: (key: string, windowMs: number, limit: number): Promise<Count> => {
      const entry = known(key)
      if (hitThere === undefined || (entry !== undefined && entry.current > limit)) {
        return Promise.resolve(hitHere(key, windowMs))
      }
      return hitThere(key, windowMs).then((shared) => {
        const here = known(key)
        // After an outage Redis knows less than we do; its count is taken when it is ahead.
        const isAhead = shared !== undefined && shared.current > (here?.current ?? 0)
        return isAhead ? remember(key, shared) : hitHere(key, windowMs)
      })
    },
    /** Keys remembered here. */
    size: () => local.size,
  }
}

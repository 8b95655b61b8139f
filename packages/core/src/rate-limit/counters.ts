import type { RedisLink } from '../redis/index.ts'

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

/** One round trip, and a key never stays without an end. */
const HIT = `
local current = redis.call('INCR', KEYS[1])
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then
  ttl = tonumber(ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ttl)
end
return {current, ttl}`

/**
 * Counts hits in Redis and beside it. What Redis said last is kept, so that an outage goes on from there, and a key over
 * its limit is refused without asking: those who hammer cost Redis nothing.
 */
export function createCounters({ link, deadlineMs, maxKeys, now }: CountersOptions) {
  const local = new Map<string, { current: number; endsAt: number }>()

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

  async function hitThere(key: string, windowMs: number): Promise<Count | undefined> {
    return link?.attempt(
      'rate_limit',
      async (client) => countOf(await client.eval(HIT, 1, `rate-limit:${key}`, windowMs)),
      () => undefined,
      { deadlineMs },
    )
  }

  return {
    /** Counts one hit. Never rejects, whatever Redis does. */
    async hit(key: string, windowMs: number, limit: number): Promise<Count> {
      const entry = known(key)
      if (link === undefined || (entry !== undefined && entry.current > limit)) {
        return hitHere(key, windowMs)
      }
      const shared = await hitThere(key, windowMs)
      const here = known(key)
      // After an outage Redis knows less than we do; its count is taken when it is ahead.
      const isAhead = shared !== undefined && shared.current > (here?.current ?? 0)
      return isAhead ? remember(key, shared) : hitHere(key, windowMs)
    },
    /** Keys remembered here. */
    size: () => local.size,
  }
}

/** What the script returned, if it is that. */
function countOf(reply: unknown): Count | undefined {
  if (!Array.isArray(reply)) return undefined
  const [current, ttl]: unknown[] = reply
  return typeof current === 'number' && typeof ttl === 'number' ? { current, ttl } : undefined
}

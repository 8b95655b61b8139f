import { createHash } from 'node:crypto'
import type { RedisLink } from '../redis/index.ts'
import type { Count } from './counters.ts'

/** One round trip for many keys, and no key stays without an end. */
const HITS = `
local counts = {}
for i, key in ipairs(KEYS) do
  local current = redis.call('INCR', key)
  local ttl = redis.call('PTTL', key)
  if ttl < 0 then
    ttl = tonumber(ARGV[i])
    redis.call('PEXPIRE', key, ttl)
  end
  counts[2 * i - 1] = current
  counts[2 * i] = ttl
end
return counts`
const DIGEST = createHash('sha1').update(HITS).digest('hex')

/** Keys in one command: Redis does nothing else while it counts them. */
const BATCH_LIMIT = 256

interface Hit {
  key: string
  windowMs: number
  settle: (count: Count | undefined) => void
}

type Client = RedisLink['client']

/** By its digest, which Redis forgets when it is restarted. */
async function count(client: Client, keys: string[], windows: number[]): Promise<unknown> {
  try {
    return await client.evalsha(DIGEST, keys.length, ...keys, ...windows)
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return client.eval(HITS, keys.length, ...keys, ...windows)
  }
}

/**
 * Counts in Redis. Requests that came in one turn of the event loop go there in one command: under load, when it matters,
 * the round trip is shared by many.
 * @returns undefined from the counting when Redis did not answer in time
 */
export function createSharedHits(link: RedisLink, deadlineMs: number) {
  let waiting: Hit[] = []

  async function send(): Promise<void> {
    const hits = waiting
    waiting = []
    // Those of this turn may have gone already, being many.
    if (hits.length === 0) return
    const keys = hits.map(({ key }) => `rate-limit:${key}`)
    const windows = hits.map(({ windowMs }) => windowMs)
    const reply = await link.attempt<unknown>(
      'rate_limit',
      (client) => count(client, keys, windows),
      () => undefined,
      { deadlineMs },
    )
    for (const [index, { settle }] of hits.entries()) settle(countAt(reply, index))
  }

  /** `attempt` never rejects; what would is a defect, and must not leave requests without an answer. */
  const flush = (): void => void send()

  return (key: string, windowMs: number): Promise<Count | undefined> =>
    new Promise((settle) => {
      waiting.push({ key, windowMs, settle })
      // After everything that this turn has read.
      if (waiting.length === 1) setImmediate(flush)
      else if (waiting.length >= BATCH_LIMIT) flush()
    })
}

/** What the script returned for one key, if it is that. */
function countAt(reply: unknown, index: number): Count | undefined {
  if (!Array.isArray(reply)) return undefined
  const [current, ttl]: unknown[] = reply.slice(2 * index, 2 * index + 2)
  return typeof current === 'number' && typeof ttl === 'number' ? { current, ttl } : undefined
}

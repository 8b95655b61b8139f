import { createHash } from 'node:crypto'
import type { RedisLink } from '../redis/index.ts'
import type { Count } from './counters.ts'

/** One round trip for many keys, and no key stays without an end. */
const HITS = `
local counts = {}
for i, key in ipairs(KEYS) do
  local current = redis.call('INCRBY', key, ARGV[2 * i - 1])
  local ttl = redis.call('PTTL', key)
  if ttl < 0 then
    ttl = tonumber(ARGV[2 * i])
    redis.call('PEXPIRE', key, ttl)
  end
  counts[2 * i - 1] = current
  counts[2 * i] = ttl
end
return counts`
const DIGEST = createHash('sha1').update(HITS).digest('hex')

/** Hits in one command: Redis does nothing else while it counts them. */
const BATCH_LIMIT = 256

type Settle = (count: Count | undefined) => void

/** What one caller asked for in one turn. */
interface Hits {
  windowMs: number
  settle: Settle[]
}

type Client = RedisLink['client']

/** By its digest, which Redis forgets when it is restarted. */
async function count(client: Client, keys: string[], counted: number[]): Promise<unknown> {
  try {
    return await client.evalsha(DIGEST, keys.length, ...keys, ...counted)
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return client.eval(HITS, keys.length, ...keys, ...counted)
  }
}

/**
 * Counts in Redis. Requests that came in one turn of the event loop go there in one command, those of one caller as one
 * number: under load, when it matters, the round trip is shared by many.
 * @returns undefined from the counting when Redis did not answer in time
 */
export function createSharedHits(link: RedisLink, deadlineMs: number) {
  let waiting = new Map<string, Hits>()
  let size = 0

  async function send(): Promise<void> {
    // Those of this turn may have gone already, being many.
    if (size === 0) return
    const hits = waiting
    waiting = new Map()
    size = 0
    const keys: string[] = []
    const counted: number[] = []
    for (const [key, { settle, windowMs }] of hits) {
      keys.push(`rate-limit:${key}`)
      counted.push(settle.length, windowMs)
    }
    const reply = await link.attempt<unknown>(
      'rate_limit',
      (client) => count(client, keys, counted),
      () => undefined,
      { deadlineMs },
    )
    let index = 0
    for (const { settle } of hits.values()) {
      tell(settle, countAt(reply, index))
      index += 1
    }
  }

  /** `attempt` never rejects; what would is a defect, and must not leave requests without an answer. */
  const flush = (): void => void send()

  return (key: string, windowMs: number): Promise<Count | undefined> =>
    new Promise((settle) => {
      const hits = waiting.get(key)
      if (hits === undefined) waiting.set(key, { windowMs, settle: [settle] })
      else hits.settle.push(settle)
      size += 1
      // After everything that this turn has read.
      if (size === 1) setImmediate(flush)
      else if (size >= BATCH_LIMIT) flush()
    })
}

/** Each its own number: the last one got the count, those before it one less each. */
function tell(settle: readonly Settle[], last: Count | undefined): void {
  for (const [index, one] of settle.entries()) {
    one(last && { current: last.current - (settle.length - 1 - index), ttl: last.ttl })
  }
}

/** What the script returned for one key, if it is that. */
function countAt(reply: unknown, index: number): Count | undefined {
  if (!Array.isArray(reply)) return undefined
  const current: unknown = reply[2 * index]
  const ttl: unknown = reply[2 * index + 1]
  return typeof current === 'number' && typeof ttl === 'number' ? { current, ttl } : undefined
}

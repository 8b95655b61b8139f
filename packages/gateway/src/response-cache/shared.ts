import { createHash } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { createParser } from '@potok/core/validation'
import type { RedisLink } from '@potok/core/redis'
import type { Entry } from './entry.ts'
import type { Purges, Tag } from './purges.ts'

/** An entry as Redis keeps it: with the place in the event log where its replica stood when it asked. */
const parseStored = createParser(
  Type.Object({
    epoch: Type.String(),
    position: Type.String({ pattern: '^-?[0-9]{1,19}$' }),
    storedAt: Type.Integer(),
    expiresAt: Type.Integer(),
    headers: Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())])),
    body: Type.String(),
  }),
)

/** Where a replica stood in the log. */
export interface Place {
  epoch: string
  position: bigint
}

const DEADLINE_MS = 25

/** Keys are made of what callers send: of bounded length, and nobody's to read. */
const nameOf = (key: string): string =>
  `response-cache:${createHash('sha256').update(key).digest('base64url')}`

/** Answers kept for all replicas. Whatever goes wrong with Redis or with what it holds is a miss. */
export function createShared(link: RedisLink, purges: Purges) {
  return {
    async get(key: string, tags: readonly Tag[]): Promise<Entry | undefined> {
      const askedAt = purges.now()
      const text = await link.attempt(
        'response_cache_get',
        (client) => client.get(nameOf(key)),
        () => null,
        { deadlineMs: DEADLINE_MS },
      )
      if (text === null) return undefined
      try {
        const { epoch, position, body, ...stored } = parseStored(JSON.parse(text))
        if (!purges.isCurrentAt(tags, epoch, BigInt(position))) return undefined
        return { ...stored, body: Buffer.from(body, 'base64'), askedAt }
      } catch {
        return undefined
      }
    },
    async set(key: string, entry: Entry, { epoch, position }: Place): Promise<void> {
      const { headers, body, storedAt, expiresAt } = entry
      const text = JSON.stringify({
        epoch,
        position: String(position),
        storedAt,
        expiresAt,
        headers,
        body: body.toString('base64'),
      })
      await link.attempt<unknown>(
        'response_cache_set',
        (client) => client.set(nameOf(key), text, 'PX', Math.max(1, expiresAt - storedAt)),
        () => undefined,
        { deadlineMs: DEADLINE_MS },
      )
    },
  }
}

export type Shared = ReturnType<typeof createShared>

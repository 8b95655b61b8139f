import { randomUUID } from 'node:crypto'
import type { AnyDatabase } from '@potok/core/database'
import { sql } from 'kysely'
import type { CacheTables } from './tables.ts'

/** How long an announcement is kept: longer than any replica goes without the store and with what it kept. */
const KEPT_MS = 3_600_000
/** Announcements that one look reads. */
const READ_LIMIT = 1000

export interface AnnouncementsDeps {
  store: AnyDatabase
  /** Another replica announced this pattern. */
  heard: (pattern: string) => unknown
}

export type Announcements = ReturnType<typeof createAnnouncements>

/** Tells the other replicas which keys to forget, through the store that they share. */
export function createAnnouncements({ store, heard }: AnnouncementsDeps) {
  const tables = store.as<CacheTables>()
  /** A number that grows would not do: rows become visible in the order of their commits. */
  let known = new Set<string>()

  const recent = () =>
    tables.kysely
      .selectFrom('cache_invalidations')
      .select(['id', 'pattern'])
      .where('created_at', '>', sql<number>`${store.now()} - ${KEPT_MS}`)
      .orderBy('created_at', 'desc')
      .limit(READ_LIMIT)
      .execute()

  return {
    async announce(pattern: string): Promise<void> {
      const id = randomUUID()
      known.add(id)
      await store.write(async (trx) => {
        const writing = tables.transaction(trx)
        await writing
          .deleteFrom('cache_invalidations')
          .where('created_at', '<=', sql<number>`${store.now()} - ${KEPT_MS}`)
          .execute()
        await writing
          .insertInto('cache_invalidations')
          .values({ id, pattern, created_at: store.now() })
          .execute()
      })
    },
    /** What was announced before the start concerns nothing that is kept. */
    async start(): Promise<void> {
      known = new Set((await recent()).map(({ id }) => id))
    },
    /** Looks what was announced since the last time. */
    async look(): Promise<void> {
      const before = known
      const rows = await recent()
      for (const { id, pattern } of rows) if (!before.has(id)) heard(pattern)
      // One that was announced meanwhile is not among the rows yet.
      known = new Set([...rows.map(({ id }) => id), ...[...known].slice(-READ_LIMIT)])
    },
  }
}

import { sql } from 'kysely'
import type { AnyDatabase } from '@potok/core/database'
import { cursorAt, type LogView } from './stretches.ts'
import type { EventTables } from './tables.ts'

/** An event as readers get it. */
export interface LogLine {
  position: number
  cursor: string
  event: string
  /** JSON text of the `EventLogItem`. */
  json: string
}

export interface LogPage {
  lines: LogLine[]
  /** Everything up to this position has been looked at. */
  upTo: number
}

export interface PageQuery {
  /** Exclusive. */
  after: number
  limit: number
  entity?: string
}

/** Characters of one page: what a slow reader may keep in memory. One event may be larger. */
const PAGE_CHARACTERS = 262_144
/** Pages kept for readers that are at the same place. */
const KEPT_PAGES = 32

/** Reads the log page by page. Readers at the same place share one query. */
export function createPages({ database }: { database: AnyDatabase }) {
  const { kysely } = database.as<EventTables>()
  const kept = new Map<string, Promise<LogPage>>()

  async function read(view: LogView, { after, limit, entity }: PageQuery): Promise<LogPage> {
    const candidates = kysely
      .selectFrom('event_log')
      .select(['position', 'event', 'body'])
      .where('position', '>', after)
      .where('position', '<=', view.head)
      .$if(entity !== undefined, (query) => query.where('entity', '=', entity ?? ''))
      .orderBy('position')
      .limit(limit)
    const measured = kysely
      .selectFrom(candidates.as('candidate'))
      .select([
        'position',
        'event',
        'body',
        sql<number>`sum(length(body)) over (order by position)`.as('characters'),
        sql<number>`count(*) over ()`.as('candidates'),
      ])
    const rows = await kysely
      .selectFrom(measured.as('measured'))
      .select(['position', 'event', 'body', 'candidates'])
      .where(sql<boolean>`characters - length(body) < ${PAGE_CHARACTERS}`)
      .orderBy('position')
      .execute()
    const lines = rows.map(({ position, event, body }) => {
      const cursor = cursorAt(view, position ?? 0)
      return {
        position: position ?? 0,
        cursor,
        event,
        json: `{"cursor":"${cursor}",${body.slice(1)}`,
      }
    })
    const last = rows.at(-1)
    const cut = last !== undefined && (last.candidates === limit || last.candidates > rows.length)
    return { lines, upTo: cut ? (last.position ?? after) : view.head }
  }

  return {
    /** The events after a position of `view`, in log order. */
    read,
    /** The same for those who follow: at the head all of them ask for the same page. */
    shared(view: LogView, query: PageQuery): Promise<LogPage> {
      const key = `${view.stretches.at(-1)?.epoch}.${view.head}.${query.after}.${query.limit}.${query.entity ?? ''}`
      const known = kept.get(key)
      if (known !== undefined) return known
      const page = read(view, query)
      kept.set(key, page)
      page.catch(() => kept.delete(key))
      const [oldest] = kept.keys()
      if (kept.size > KEPT_PAGES && oldest !== undefined) kept.delete(oldest)
      return page
    },
  }
}

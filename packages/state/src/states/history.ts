import type { AnyDatabase } from '@potok/core/database'
import type { HistoryRow } from './state-row.ts'
import type { StateTables } from './tables.ts'

export interface HistoryQuery {
  /** Default 50. */
  limit?: number | undefined
  /** `desc`, the default: the newest first. */
  order?: 'asc' | 'desc' | undefined
  /** The last version that was seen. */
  cursor?: string | undefined
}

export interface HistoryPage {
  rows: HistoryRow[]
  /** The last version of the page; absent: it was the last page. */
  nextCursor?: number
}

type Key = Pick<HistoryRow, 'entity' | 'entity_id'>

/** Every version that an entity ever had. */
export function createHistory(store: AnyDatabase) {
  const { kysely } = store.as<StateTables>()
  const of = (entity: string, id: string) =>
    kysely
      .selectFrom('state_history')
      .selectAll()
      .where('entity', '=', entity)
      .where('entity_id', '=', id)

  const findVersion = store.statement<Key & { version: number }>()<HistoryRow>((slot) =>
    kysely
      .selectFrom('state_history')
      .selectAll()
      .where('entity', '=', slot('entity'))
      .where('entity_id', '=', slot('entity_id'))
      .where('version', '=', slot('version')),
  )

  return {
    async version(entity: string, id: string, version: number): Promise<HistoryRow | undefined> {
      return (await findVersion({ entity, entity_id: id, version })).rows[0]
    },

    /**
     * The version that held at a time, epoch milliseconds. Timestamps never fall from version to version, so it is the
     * newest that was there already; its number is found by halving, since the primary key is the only index.
     */
    async at(entity: string, id: string, time: number): Promise<HistoryRow | undefined> {
      const newest = await of(entity, id).orderBy('version', 'desc').limit(1).executeTakeFirst()
      if (newest === undefined || newest.timestamp <= time) return newest
      let found: HistoryRow | undefined
      let [low, high] = [1, newest.version - 1]
      while (low <= high) {
        const middle = Math.floor((low + high) / 2)
        const { rows } = await findVersion({ entity, entity_id: id, version: middle })
        const [row] = rows
        if (row !== undefined && row.timestamp <= time) {
          found = row
          low = middle + 1
        } else if (row === undefined) low = middle + 1
        else high = middle - 1
      }
      return found
    },

    async page(
      entity: string,
      id: string,
      { limit = 50, order = 'desc', cursor }: HistoryQuery,
    ): Promise<HistoryPage> {
      const query = of(entity, id)
        .orderBy('version', order)
        .limit(limit + 1)
      const beyond = order === 'asc' ? '>' : '<'
      const rows = await (
        cursor === undefined ? query : query.where('version', beyond, Number(cursor))
      ).execute()
      const page = rows.slice(0, limit)
      const last = page.at(-1)
      if (rows.length <= limit || last === undefined) return { rows: page }
      return { rows: page, nextCursor: last.version }
    },
  }
}

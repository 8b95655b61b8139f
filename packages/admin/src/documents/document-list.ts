import { sql, type SelectQueryBuilder } from 'kysely'
import { entityTag } from '@potok/core/lib/precondition'
import { packCursor, unpackCursor } from '../lib/page-cursor.ts'
import type { AdminTables, Store } from '../store/index.ts'
import { CursorInvalid } from './errors.ts'
import { parseBody } from './parse-body.ts'
import { FILTER, type DocumentPage, type DocumentQuery } from './schemas.ts'

export interface PageBounds {
  /** Documents that one page looks at, so that a filter which matches few does not read the whole kind at once. */
  scanLimit: number
  /** Characters of the bodies of one page; a page has at least one. */
  pageSize: number
}

type Rows = SelectQueryBuilder<AdminTables, 'documents', unknown>
/** Sort keys of a document: where a page ends and the next one begins. */
interface Position {
  id: string
  updated_at: number
}

/**
 * One page of the documents of a kind.
 * @throws CursorInvalid
 */
export async function listDocuments(
  database: Store,
  { scanLimit, pageSize }: PageBounds,
  entity: string,
  query: DocumentQuery,
): Promise<DocumentPage> {
  const { sort = 'id', limit = 50, cursor } = query
  const byChange = sort === 'updatedAt'
  let rows: Rows = database.kysely.selectFrom('documents').where('entity', '=', entity)
  if (cursor !== undefined) rows = beyond(rows, '>', positionOf(cursor, byChange), byChange)
  const ordered = (some: Rows) =>
    (byChange ? some.orderBy('updated_at') : some)
      .orderBy('id')
      .select(['id', 'updated_at', 'size'])

  const horizon = await ordered(rows)
    .offset(scanLimit - 1)
    .limit(1)
    .executeTakeFirst()
  if (horizon !== undefined) rows = beyond(rows, '<=', horizon, byChange)
  const found = await ordered(filtered(rows, database, query))
    .limit(limit + 1)
    .execute()
  const page = cut(found, limit, pageSize)
  const items = await filed(
    database,
    entity,
    page.map(({ id }) => id),
  )
  const next = page.length < found.length ? page.at(-1) : horizon
  return next === undefined
    ? { items }
    : { items, nextCursor: packCursor(byChange ? [next.updated_at, next.id] : [next.id]) }
}

function beyond(rows: Rows, than: '>' | '<=', at: Position, byChange: boolean): Rows {
  return byChange
    ? rows.where((where) =>
        where(where.refTuple('updated_at', 'id'), than, where.tuple(at.updated_at, at.id)),
      )
    : rows.where('id', than, at.id)
}

function positionOf(cursor: string, byChange: boolean): Position {
  const position = unpackCursor(cursor) ?? []
  const [updatedAt, id] = byChange ? position : [0, ...position]
  if (typeof updatedAt !== 'number' || typeof id !== 'string') throw new CursorInvalid()
  return { updated_at: updatedAt, id }
}

function filtered(all: Rows, database: Store, query: DocumentQuery): Rows {
  let rows = all.where('deleted_at', 'is', null)
  if (query.updatedAfter !== undefined) {
    rows = rows.where('updated_at', '>', Date.parse(query.updatedAfter))
  }
  for (const [name, value] of Object.entries(query)) {
    if (!name.startsWith(FILTER)) continue
    const member = database.jsonText(sql.ref('body'), name.slice(FILTER.length).split('.'))
    rows = rows.where(sql<boolean>`${member} = ${String(value)}`)
  }
  return rows
}

/** The first of `found` that are not more than `limit` and together not longer than `pageSize`; at least one. */
function cut<T extends { size: number }>(found: T[], limit: number, pageSize: number): T[] {
  let length = 0
  const end = found.findIndex(({ size }, index) => {
    length += size
    return index === limit || (index > 0 && length > pageSize)
  })
  return end === -1 ? found : found.slice(0, end)
}

/** The documents with these ids, in this order; one that was removed in the meantime is left out. */
async function filed({ kysely }: Store, entity: string, ids: string[]) {
  if (ids.length === 0) return []
  const rows = await kysely
    .selectFrom('documents')
    .select(['id', 'body', 'revision', 'created_at', 'updated_at'])
    .where('entity', '=', entity)
    .where('id', 'in', ids)
    .where('deleted_at', 'is', null)
    .execute()
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.flatMap((id) => {
    const row = byId.get(id)
    if (row === undefined) return []
    return {
      id,
      etag: entityTag(row.revision),
      createdAt: new Date(row.created_at).toISOString(),
      updatedAt: new Date(row.updated_at).toISOString(),
      document: parseBody(row.body),
    }
  })
}

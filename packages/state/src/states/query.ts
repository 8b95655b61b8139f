import { fieldOf, refuse, timeOf, type Column, type Condition } from './condition.ts'
import { parseWhere } from './where.ts'

export const SORT_FIELDS = ['updatedAt', 'createdAt', 'entityId', 'status'] as const
export type SortField = (typeof SORT_FIELDS)[number]

export interface Sort {
  field: SortField
  descending: boolean
}

/** What a caller wants to see of one entity type. */
export interface Query {
  entity: string
  /** All of them hold. */
  where: Condition[]
  sort: Sort
  limit: number
  /** Values of the sort columns of the last row seen. */
  after?: CursorValue[]
  count: boolean
  /** Counts by this field instead of states. */
  groupBy?: 'status' | { path: string }
}

export type CursorValue = string | number

/** Columns of each order; the last makes it total. */
export const SORT_COLUMNS: Record<SortField, readonly Column[]> = {
  updatedAt: ['updated_at', 'entity_id'],
  createdAt: ['created_at', 'entity_id'],
  entityId: ['entity_id'],
  // As the index has it: within a status by time.
  status: ['status', 'updated_at', 'entity_id'],
}

const isSortField = (text: string): text is SortField => SORT_FIELDS.some((field) => field === text)

/** `-updatedAt` is the newest first. */
export function sortOf(text = '-updatedAt', path = '/querystring/sort'): Sort {
  const descending = text.startsWith('-')
  const field = descending ? text.slice(1) : text
  if (!isSortField(field))
    return refuse(path, `must be one of: ${SORT_FIELDS.join(', ')}, with or without -`)
  return { field, descending }
}

const nameOf = ({ field, descending }: Sort): string => `${descending ? '-' : ''}${field}`

/** Where a page ended. Opaque to clients; of no use with another order. */
export function cursorOf(sort: Sort, values: readonly CursorValue[]): string {
  return Buffer.from(JSON.stringify([nameOf(sort), ...values])).toString('base64url')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const NUMERIC = new Set<Column>(['updated_at', 'created_at'])

/** @throws ValueRefused (400) not one of ours, or of another order */
export function parseCursor(cursor: string, sort: Sort, path: string): CursorValue[] {
  const value = parseJson(Buffer.from(cursor, 'base64url').toString('utf8'))
  const columns = SORT_COLUMNS[sort.field]
  if (!Array.isArray(value) || value[0] !== nameOf(sort) || value.length !== columns.length + 1) {
    return refuse(path, 'is not a cursor of this query: take nextCursor of its last page')
  }
  return columns.map((column, index) => {
    const given: unknown = value[index + 1]
    if (NUMERIC.has(column) && typeof given === 'number') return given
    if (!NUMERIC.has(column) && typeof given === 'string') return given
    return refuse(path, 'is not a cursor of this query: take nextCursor of its last page')
  })
}

function groupOf(groupBy: string | undefined, path: string): Pick<Query, 'groupBy'> {
  if (groupBy === undefined) return {}
  const field = fieldOf(groupBy, path)
  if (field.kind === 'metadata') return { groupBy: { path: field.path } }
  return field.name === 'status'
    ? { groupBy: 'status' }
    : refuse(path, 'must be status or metadata.<path>')
}

/** What both forms of the language have in common. */
export interface QueryOptions {
  sort?: string | undefined
  limit?: number | undefined
  cursor?: string | undefined
  count?: boolean | undefined
  groupBy?: string | undefined
}

function optionsOf(
  { sort: text, limit = 50, cursor, count = false, groupBy }: QueryOptions,
  part: '/querystring' | '/body',
): Omit<Query, 'entity' | 'where'> {
  const sort = sortOf(text, `${part}/sort`)
  const after = cursor === undefined ? {} : { after: parseCursor(cursor, sort, `${part}/cursor`) }
  return { sort, limit, count, ...after, ...groupOf(groupBy, `${part}/groupBy`) }
}

const RANGES = [
  ['updatedAfter', 'updatedAt', 'gt'],
  ['updatedBefore', 'updatedAt', 'lt'],
  ['createdAfter', 'createdAt', 'gt'],
  ['createdBefore', 'createdAt', 'lt'],
] as const

type RangeName = (typeof RANGES)[number][0]

/** The query string of a list; `metadata.<path>` are further members. */
export type UrlQuery = QueryOptions & {
  status?: string | undefined
  createdBy?: string | undefined
} & { [Name in RangeName]?: string | undefined }

/** Reads the URL form. @throws ValueRefused (400) */
export function queryFromUrl(entity: string, given: UrlQuery): Query {
  const { status, createdBy } = given
  const where: Condition[] = []
  if (status !== undefined) {
    const field = fieldOf('status', '/querystring/status')
    where.push({ kind: 'in', field, values: [...new Set(status.split(','))] })
  }
  if (createdBy !== undefined) {
    const field = fieldOf('createdBy', '/querystring/createdBy')
    where.push({ kind: 'compare', field, operator: 'eq', value: createdBy })
  }
  for (const [name, fieldName, operator] of RANGES) {
    const path = `/querystring/${name}`
    const text = given[name]
    if (text === undefined) continue
    const field = fieldOf(fieldName, path)
    where.push({ kind: 'compare', field, operator, value: timeOf(text, path) })
  }
  for (const [name, value] of Object.entries(given)) {
    if (!name.startsWith('metadata.') || typeof value !== 'string') continue
    const field = fieldOf(name, `/querystring/${name}`)
    where.push({ kind: 'compare', field, operator: 'eq', value })
  }
  return { entity, where, ...optionsOf(given, '/querystring') }
}

export type JsonQuery = QueryOptions & {
  entity: string
  where?: Readonly<Record<string, unknown>> | undefined
}

/** Reads the JSON form. @throws ValueRefused (400) */
export function queryFromJson(given: JsonQuery): Query {
  const where = given.where === undefined ? undefined : parseWhere(given.where)
  const conditions = where?.kind === 'and' ? where.of : where === undefined ? [] : [where]
  return { entity: given.entity, where: conditions, ...optionsOf(given, '/body') }
}

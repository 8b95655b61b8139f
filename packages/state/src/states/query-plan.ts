import type { Column, Condition, Scalar } from './condition.ts'
import { SORT_COLUMNS, type Query } from './query.ts'

/** How a query will be run. */
export interface QueryPlan {
  /**
   * An index gives the page in its order, whatever its number: it is answered at once. Everything else may look at
   * every state and is run where it holds up nobody, for a limited time.
   */
  indexed: boolean
  /** Several statuses, each of which has its own stretch of the index; the page is merged out of them. */
  statuses?: readonly string[]
  /** What is left of the conditions then. */
  where: readonly Condition[]
}

/** More stretches than this are not worth merging. */
const STATUS_LIMIT = 8

type StatusIn = Extract<Condition, { kind: 'in' }>

const isStatusIn = (condition: Condition): condition is StatusIn =>
  condition.kind === 'in' && condition.field.name === 'status'

const isIndexedEquality = (condition: Condition, scalars: ReadonlySet<string>): boolean =>
  condition.kind === 'compare' &&
  condition.operator === 'eq' &&
  condition.field.kind === 'metadata' &&
  scalars.has(condition.field.path)

function isRangeOf(condition: Condition, column: Column | undefined): boolean {
  return (
    condition.kind === 'compare' &&
    condition.field.kind === 'time' &&
    condition.field.column === column &&
    condition.operator !== 'ne'
  )
}

const textsOf = (values: readonly Scalar[]): string[] =>
  values.filter((value) => typeof value === 'string')

/** @param scalars metadata paths that are indexed and hold no array in any state */
export function planOf(query: Query, scalars: ReadonlySet<string>): QueryPlan {
  const { where, sort, groupBy } = query
  const [first] = SORT_COLUMNS[sort.field]
  const rest = where.filter((condition) => !isRangeOf(condition, first))
  const statusIn = rest.find(isStatusIn)
  const byTime = sort.field === 'updatedAt'
  const single = rest.length === 1 ? rest[0] : undefined
  const isServed =
    rest.length === 0 ||
    (single !== undefined &&
      byTime &&
      (isStatusIn(single) || isIndexedEquality(single, scalars)) &&
      (statusIn === undefined || statusIn.values.length <= STATUS_LIMIT))
  const indexed = groupBy === undefined && isServed
  if (!indexed || statusIn === undefined || statusIn.values.length === 1) return { indexed, where }
  return {
    indexed,
    statuses: textsOf(statusIn.values),
    where: where.filter((condition) => condition !== statusIn),
  }
}

import type { DialectSql } from '@potok/core/database'
import { sql, type RawBuilder } from 'kysely'
import { metadataText } from '../machines/index.ts'
import type { Column, Condition } from './condition.ts'
import { conditionSql, type ConditionContext } from './condition-sql.ts'
import type { QueryPlan } from './query-plan.ts'
import { SORT_COLUMNS, type Query, type Sort } from './query.ts'
import type { StateRow } from './state-row.ts'

/** Above it a count says "so many or more". */
export const COUNT_LIMIT = 10_000

export interface Group {
  value: string | null
  count: number
}

const refs = (columns: readonly Column[]) => sql.join(columns.map((column) => sql.ref(column)))

function orderBy({ field, descending }: Sort): RawBuilder<unknown> {
  const direction = descending ? sql`desc` : sql`asc`
  return sql`order by ${sql.join(SORT_COLUMNS[field].map((column) => sql`${sql.ref(column)} ${direction}`))}`
}

function afterSql({ sort, after }: Query): RawBuilder<unknown> {
  if (after === undefined) return sql``
  return sql`and (${refs(SORT_COLUMNS[sort.field])}) ${sort.descending ? sql`<` : sql`>`} (${sql.join(after)})`
}

/** SQLite guesses by counting columns and would take the status for more selective than a person. */
function unindexedOf(where: readonly Condition[], indexes: ReadonlySet<string>): Set<Column> {
  const byMetadata = where.some(
    (condition) =>
      condition.kind === 'compare' &&
      condition.operator === 'eq' &&
      condition.field.kind === 'metadata' &&
      indexes.has(condition.field.path),
  )
  return new Set(byMetadata ? ['status'] : [])
}

/** In a read worker SQLite asks at each row whether there is time left; first, or a false condition would skip it. */
function guardOf({ dialect }: ConditionContext, indexed: boolean): RawBuilder<unknown> {
  return dialect.dialect === 'sqlite' && !indexed ? sql`still_in_time() and` : sql``
}

/**
 * The states of the entity type that fulfil the conditions. The type is written into the text: the indexes of its
 * metadata are for it alone, and SQLite does not see that a parameter has their value.
 */
function fromWhere(
  { entity }: Query,
  { where, indexed }: Pick<QueryPlan, 'where' | 'indexed'>,
  context: ConditionContext,
): RawBuilder<unknown> {
  const all: Condition = { kind: 'and', of: [...where] }
  return sql`from states where ${guardOf(context, indexed)} entity = ${sql.lit(entity)} and deleted_at is null
    and ${conditionSql(all, context)}`
}

/** One more than the page, so that the answer knows whether there is another. */
export function pageSql(
  query: Query,
  plan: QueryPlan,
  given: ConditionContext,
): RawBuilder<StateRow> {
  const context = { ...given, unindexed: unindexedOf(plan.where, given.indexes) }
  const order = orderBy(query.sort)
  const end = sql`${order} limit ${query.limit + 1}`
  const stretch = (condition: RawBuilder<unknown>) =>
    sql<StateRow>`select * ${fromWhere(query, plan, context)} ${condition} ${afterSql(query)} ${end}`
  if (plan.statuses === undefined) return stretch(sql``)
  const stretches = plan.statuses.map(
    (status) => sql`select * from (${stretch(sql`and status = ${status}`)}) as stretch`,
  )
  return sql<StateRow>`select * from (${sql.join(stretches, sql` union all `)}) as merged ${end}`
}

export function countSql(
  query: Query,
  indexed: boolean,
  context: ConditionContext,
): RawBuilder<{ total: number }> {
  const rows = fromWhere(query, { where: query.where, indexed }, context)
  return sql`select count(*) as total from (select 1 ${rows} limit ${COUNT_LIMIT}) as counted`
}

/** The largest groups first. */
export function groupsSql(
  dialect: DialectSql,
  query: Query,
  groupBy: NonNullable<Query['groupBy']>,
  context: ConditionContext,
): RawBuilder<Group> {
  const rows = fromWhere(query, { where: query.where, indexed: false }, context)
  const value = groupBy === 'status' ? sql.ref('status') : metadataText(dialect, groupBy.path)
  return sql`select ${value} as value, count(*) as count ${rows}
    group by 1 order by 2 desc, 1 limit ${query.limit}`
}

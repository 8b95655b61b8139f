import type { DialectSql } from '@potok/core/database'
import { sql, type RawBuilder } from 'kysely'
import { holdsElement, membersOf, metadataText } from '../machines/index.ts'
import type { Column, Comparison, Condition, Field, Scalar } from './condition.ts'

export interface ConditionContext {
  dialect: DialectSql
  entity: string
  /** Metadata paths with an index. */
  indexes: ReadonlySet<string>
  /** Those of them where some state holds an array: their elements have an index of their own. */
  arrays: ReadonlySet<string>
  /** Columns that the planner shall not look for in an index, because a better one is at hand (SQLite only). */
  unindexed?: ReadonlySet<Column>
}

const OPERATORS: Record<Exclude<Comparison, 'startsWith'>, RawBuilder<unknown>> = {
  eq: sql`=`,
  ne: sql`<>`,
  gt: sql`>`,
  gte: sql`>=`,
  lt: sql`<`,
  lte: sql`<=`,
}

/** Sorts after every text that begins with what stands before it. */
const LAST_CHARACTER = '\u{10ffff}'

const textOf = (value: Scalar): string => (typeof value === 'string' ? value : String(value))

function columnSql(column: Column, { dialect, unindexed }: ConditionContext): RawBuilder<unknown> {
  const ref = sql.ref(column)
  return dialect.dialect === 'sqlite' && unindexed?.has(column) === true ? sql`+${ref}` : ref
}

function startsWith(text: RawBuilder<unknown>, prefix: Scalar): RawBuilder<unknown> {
  return sql`(${text} >= ${prefix} and ${text} < ${`${textOf(prefix)}${LAST_CHARACTER}`})`
}

/** Equal to the value, or an array that holds it. Numbers and booleans are compared by their text. */
function metadataEquals(
  path: string,
  value: Scalar,
  { dialect, entity, indexes, arrays }: ConditionContext,
): RawBuilder<unknown> {
  const given = sql<string>`${textOf(value)}`
  const equal = sql`${metadataText(dialect, path)} = ${given}`
  if (!indexes.has(path)) return sql`(${equal} or ${holdsElement(dialect, path, given)})`
  if (!arrays.has(path)) return equal
  return sql`(${equal} or entity_id in (select entity_id from state_elements
    where entity = ${sql.lit(entity)} and path = ${sql.lit(path)} and value = ${given}))`
}

function metadataCompare(
  path: string,
  operator: Comparison,
  value: Scalar,
  context: ConditionContext,
): RawBuilder<unknown> {
  const { dialect } = context
  if (operator === 'eq') return metadataEquals(path, value, context)
  if (operator === 'ne') return sql`(${metadataEquals(path, value, context)}) is not true`
  if (operator === 'startsWith') return startsWith(metadataText(dialect, path), value)
  const left =
    typeof value === 'number'
      ? dialect.jsonNumber(sql.ref('metadata'), membersOf(path))
      : metadataText(dialect, path)
  return sql`${left} ${OPERATORS[operator]} ${value}`
}

function compareSql(
  field: Field,
  operator: Comparison,
  value: Scalar,
  context: ConditionContext,
): RawBuilder<unknown> {
  if (field.kind === 'metadata') return metadataCompare(field.path, operator, value, context)
  const column = columnSql(field.column, context)
  if (operator === 'startsWith') return startsWith(column, value)
  const compared = sql`${column} ${OPERATORS[operator]} ${value}`
  // What is absent differs from every value.
  return operator === 'ne' ? sql`(${column} = ${value}) is not true` : compared
}

function inSql(field: Field, values: readonly Scalar[], context: ConditionContext) {
  if (field.kind !== 'metadata') {
    return sql`${columnSql(field.column, context)} in (${sql.join(values)})`
  }
  const any = values.map((value) => metadataEquals(field.path, value, context))
  return sql`(${sql.join(any, sql` or `)})`
}

/**
 * A condition as SQL that is true where it holds; where it does not hold it may be false or null, so `not` asks
 * whether it is true.
 */
export function conditionSql(condition: Condition, context: ConditionContext): RawBuilder<unknown> {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const parts = condition.of.map((part) => conditionSql(part, context))
      if (parts.length === 0) return condition.kind === 'and' ? sql`1 = 1` : sql`1 = 0`
      return sql`(${sql.join(parts, condition.kind === 'and' ? sql` and ` : sql` or `)})`
    }
    case 'not':
      return sql`(${conditionSql(condition.of, context)}) is not true`
    case 'compare':
      return compareSql(condition.field, condition.operator, condition.value, context)
    case 'in':
      return inSql(condition.field, condition.values, context)
    case 'exists': {
      const value =
        condition.field.kind === 'metadata'
          ? metadataText(context.dialect, condition.field.path)
          : sql.ref(condition.field.column)
      return condition.value ? sql`${value} is not null` : sql`${value} is null`
    }
  }
}

import { createHash } from 'node:crypto'
import type { DialectSql } from '@potok/core/database'
import { sql, type Expression, type RawBuilder } from 'kysely'

/** The members of a metadata path such as `customer.city`. */
export const membersOf = (path: string): string[] => path.split('.')

/**
 * The text at a metadata path, written exactly as the index has it: another spelling of the same value would not be
 * recognised by either planner.
 */
export function metadataText(
  dialect: DialectSql,
  path: string,
  column: Expression<unknown> = sql.ref('metadata'),
): RawBuilder<string | null> {
  const text = dialect.jsonText(column, membersOf(path))
  return dialect.dialect === 'postgres' ? sql`(${text} collate "C")` : sql`(${text})`
}

/** PostgreSQL cuts names at 63 bytes, so the path goes in as a digest. */
export function indexName(entity: string, path: string): string {
  return `states_m_${createHash('sha256').update(`${entity}.${path}`).digest('hex').slice(0, 16)}`
}

/**
 * The index that serves `metadata.<path>=value` in order of change for one entity type; what stands behind its name.
 *
 * SQLite: `entity` stands first although it is the same in every entry, for it prefers the index with more columns
 * compared; `deleted_at` stands last although it is always null, or it would be looked up in the table, for counts too.
 * PostgreSQL must not have `entity` in it: it drops a condition that the predicate implies, and would then read the
 * index from one end.
 */
export function indexDefinition(
  dialect: DialectSql,
  entity: string,
  path: string,
): RawBuilder<unknown> {
  const value = metadataText(dialect, path)
  const columns =
    dialect.dialect === 'sqlite'
      ? sql`entity, ${value}, updated_at, entity_id, deleted_at`
      : sql`${value}, updated_at, entity_id`
  return sql`on states (${columns}) where entity = ${sql.lit(entity)} and deleted_at is null`
}

export function createMetadataIndex(
  dialect: DialectSql,
  entity: string,
  path: string,
): RawBuilder<unknown> {
  return sql`create index if not exists ${sql.id(indexName(entity, path))}
    ${indexDefinition(dialect, entity, path)}`
}

export function dropMetadataIndex(entity: string, path: string): RawBuilder<unknown> {
  return sql`drop index if exists ${sql.id(indexName(entity, path))}`
}

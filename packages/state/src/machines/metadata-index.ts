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
function indexName(entity: string, path: string): string {
  return `states_m_${createHash('sha256').update(`${entity}.${path}`).digest('hex').slice(0, 16)}`
}

/**
 * The index that serves `metadata.<path>=value` in order of change for one entity type.
 *
 * `entity` stands first although it is the same in every entry: SQLite prefers the index with more columns compared.
 * `deleted_at` stands last although it is always null: SQLite would look it up in the table, for counts too.
 */
export function createMetadataIndex(
  dialect: DialectSql,
  entity: string,
  path: string,
): RawBuilder<unknown> {
  const name = sql.id(indexName(entity, path))
  const value = metadataText(dialect, path)
  const deleted = dialect.dialect === 'sqlite' ? sql`, deleted_at` : sql``
  return sql`create index if not exists ${name}
    on states (entity, ${value}, updated_at, entity_id ${deleted})
    where entity = ${sql.lit(entity)} and deleted_at is null`
}

export function dropMetadataIndex(entity: string, path: string): RawBuilder<unknown> {
  return sql`drop index if exists ${sql.id(indexName(entity, path))}`
}

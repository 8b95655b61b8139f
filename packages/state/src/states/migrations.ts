import type { DialectSql, Migration } from '@potok/core/database'
import { sql, type Kysely } from 'kysely'

/**
 * Texts that are compared and ordered: by their bytes in both dialects. PostgreSQL would order by the language of the
 * cluster, and a page cursor made on one server would not fit another.
 */
function ordered({ dialect }: DialectSql) {
  return dialect === 'postgres' ? sql`text collate "C"` : sql`text`
}

async function statesTable(db: Kysely<unknown>, dialect: DialectSql): Promise<void> {
  await db.schema
    .createTable('states')
    .addColumn('entity', ordered(dialect), (column) => column.notNull())
    .addColumn('entity_id', ordered(dialect), (column) => column.notNull())
    .addColumn('status', ordered(dialect), (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('metadata', dialect.jsonType, (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('created_by', ordered(dialect), (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_by', ordered(dialect), (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('ttl_seconds', 'integer')
    .addColumn('reason', 'text')
    .addColumn('machine_version', 'integer', (column) => column.notNull())
    .addColumn('deleted_at', 'bigint')
    .addPrimaryKeyConstraint('states_pk', ['entity', 'entity_id'])
    .execute()
  // Always null there; without it SQLite would look it up in the table, for counts too.
  const deleted = dialect.dialect === 'sqlite' ? sql`, deleted_at` : sql``
  const living = sql`where deleted_at is null`
  for (const index of [
    sql`create index states_updated on states (entity, updated_at, entity_id ${deleted}) ${living}`,
    sql`create index states_created on states (entity, created_at, entity_id ${deleted}) ${living}`,
    sql`create index states_status on states (entity, status, updated_at, entity_id ${deleted}) ${living}`,
    sql`create index states_expiry on states (expires_at) where expires_at is not null`,
  ]) {
    await index.execute(db)
  }
}

async function historyTable(db: Kysely<unknown>, dialect: DialectSql): Promise<void> {
  await db.schema
    .createTable('state_history')
    .addColumn('entity', ordered(dialect), (column) => column.notNull())
    .addColumn('entity_id', ordered(dialect), (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('event', 'text', (column) => column.notNull())
    .addColumn('previous_status', 'text')
    .addColumn('new_status', 'text')
    .addColumn('metadata', dialect.jsonType, (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('correlation_id', 'text', (column) => column.notNull())
    .addColumn('machine_version', 'integer', (column) => column.notNull())
    .addColumn('timestamp', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addPrimaryKeyConstraint('state_history_pk', ['entity', 'entity_id', 'version'])
    .execute()
}

async function elementsTable(db: Kysely<unknown>, dialect: DialectSql): Promise<void> {
  await db.schema
    .createTable('state_elements')
    .addColumn('entity', ordered(dialect), (column) => column.notNull())
    .addColumn('path', ordered(dialect), (column) => column.notNull())
    .addColumn('value', ordered(dialect), (column) => column.notNull())
    .addColumn('entity_id', ordered(dialect), (column) => column.notNull())
    .addPrimaryKeyConstraint('state_elements_pk', ['entity', 'path', 'value', 'entity_id'])
    .execute()
  await sql`create index state_elements_of on state_elements (entity, entity_id)`.execute(db)
}

const states: Migration = {
  async up(db, dialect) {
    await statesTable(db, dialect)
    await historyTable(db, dialect)
    await elementsTable(db, dialect)
  },
}

export const migrations = { '2026-01-states': states }

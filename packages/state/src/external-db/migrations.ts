import type { Migration } from '@potok/core/database'

const parked: Migration = {
  async up(db) {
    await db.schema
      .createTable('external_db_parked')
      .addColumn('entity', 'text', (column) => column.notNull())
      .addColumn('entity_id', 'text', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('status', 'integer', (column) => column.notNull())
      .addColumn('detail', 'text', (column) => column.notNull())
      .addColumn('parked_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('external_db_parked_pk', ['entity', 'entity_id'])
      .execute()
  },
}

export const migrations = { '2026-01-external-db': parked }

import type { Migration } from '@potok/core/database'

const keys: Migration = {
  async up(db) {
    await db.schema
      .createTable('idempotency_keys')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('payload', 'text', (column) => column.notNull())
      .addColumn('status', 'integer', (column) => column.notNull())
      .addColumn('etag', 'text')
      .addColumn('location', 'text')
      .addColumn('body', 'text')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('idempotency_keys_age')
      .on('idempotency_keys')
      .column('created_at')
      .execute()
  },
}

export const migrations = { '2026-01-idempotency': keys }

import type { Migration } from '@potok/core/database'

const cacheInvalidations: Migration = {
  async up(db) {
    await db.schema
      .createTable('cache_invalidations')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('pattern', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .execute()
  },
}

export const migrations = { '2026-01-cache-invalidations': cacheInvalidations }

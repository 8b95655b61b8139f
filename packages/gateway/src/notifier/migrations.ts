import type { Migration } from '@potok/core/database'

export const notifierMigrations: Record<string, Migration> = {
  '2026-01-notifier': {
    async up(db) {
      await db.schema
        .createTable('notifier_secrets')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('value', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()
    },
  },
}

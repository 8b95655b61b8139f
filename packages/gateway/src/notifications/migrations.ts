import type { Migration } from '@potok/core/database'

export const notificationMigrations: Record<string, Migration> = {
  '2026-01-notifications': {
    async up(db) {
      await db.schema
        .createTable('notifications')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('audience', 'text', (column) => column.notNull())
        .addColumn('level', 'text', (column) => column.notNull())
        .addColumn('title', 'text', (column) => column.notNull())
        .addColumn('text', 'text', (column) => column.notNull())
        .addColumn('link', 'text')
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createIndex('notifications_age')
        .on('notifications')
        .columns(['created_at', 'id'])
        .execute()
      await db.schema
        .createIndex('notifications_audience')
        .on('notifications')
        .columns(['audience', 'created_at'])
        .execute()
      await db.schema
        .createTable('notifications_seen')
        .addColumn('notification_id', 'text', (column) => column.notNull())
        .addColumn('user_id', 'text', (column) => column.notNull())
        .addColumn('seen_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('notifications_seen_key', ['notification_id', 'user_id'])
        .execute()
    },
  },
}

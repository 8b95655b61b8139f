import { sql } from 'kysely'
import type { Migration } from '@potok/core/database'

const users: Migration = {
  async up(db, { dialect, jsonType }) {
    // Pages go by username: byte order in both dialects, whatever the server's locale.
    const ordered = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
    await db.schema
      .createTable('users')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('username', ordered, (column) => column.notNull().unique())
      .addColumn('display_name', 'text', (column) => column.notNull())
      .addColumn('roles', jsonType, (column) => column.notNull())
      .addColumn('skills', jsonType, (column) => column.notNull())
      .addColumn('capacity', 'integer', (column) => column.notNull())
      .addColumn('max_user_id', 'bigint', (column) => column.unique())
      .addColumn('time_zone', 'text', (column) => column.notNull())
      .addColumn('active', 'integer', (column) => column.notNull())
      .addColumn('search_text', 'text', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('credentials')
      .addColumn('user_id', 'text', (column) =>
        column.primaryKey().references('users.id').onDelete('cascade'),
      )
      .addColumn('password_hash', 'text', (column) => column.notNull())
      .addColumn('changed_at', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('user_labels')
      .addColumn('user_id', 'text', (column) =>
        column.notNull().references('users.id').onDelete('cascade'),
      )
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('label', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('user_labels_pk', ['user_id', 'kind', 'label'])
      .execute()
    await db.schema
      .createIndex('user_labels_by_label')
      .on('user_labels')
      .columns(['kind', 'label', 'user_id'])
      .execute()
  },
}

const accessChanges: Migration = {
  async up(db) {
    await db.schema
      .createTable('access_changes')
      // No reference: it must outlive the person.
      .addColumn('user_id', 'text', (column) => column.primaryKey())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('changed_at', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('access_changes_by_time')
      .on('access_changes')
      .columns(['changed_at', 'user_id'])
      .execute()
  },
}

/** What the plugin `users` stores. */
export const usersMigrations: Record<string, Migration> = {
  '2026-01-01-users': users,
  '2026-01-04-access-changes': accessChanges,
}

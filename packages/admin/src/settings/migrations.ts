import type { Migration } from '@potok/core/database'

const userSettings: Migration = {
  async up(db, { jsonType }) {
    await db.schema
      .createTable('user_settings')
      .addColumn('user_id', 'text', (column) =>
        column.primaryKey().references('users.id').onDelete('cascade'),
      )
      .addColumn('settings', jsonType, (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute()
  },
}

/** What the plugin `settings` stores. */
export const settingsMigrations: Record<string, Migration> = {
  '2026-01-02-user-settings': userSettings,
}

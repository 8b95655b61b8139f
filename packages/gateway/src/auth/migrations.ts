import type { Migration } from '@potok/core/database'

export const authMigrations: Record<string, Migration> = {
  '2026-01-auth': {
    async up(db) {
      await db.schema
        .createTable('auth_sessions')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('user_id', 'text', (column) => column.notNull())
        .addColumn('username', 'text', (column) => column.notNull())
        .addColumn('place', 'text', (column) => column.notNull())
        .addColumn('user_agent', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('rotated_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .addColumn('generation', 'integer', (column) => column.notNull())
        .addColumn('token_digest', 'text', (column) => column.notNull())
        .addColumn('parent_digest', 'text')
        .addColumn('revoked_at', 'bigint')
        .addColumn('revoked_reason', 'text')
        .execute()
      for (const [name, columns] of [
        ['auth_sessions_user', ['user_id', 'created_at']],
        ['auth_sessions_place', ['username', 'place']],
        ['auth_sessions_revoked', ['revoked_at']],
        ['auth_sessions_expiry', ['expires_at']],
      ] as const) {
        await db.schema
          .createIndex(name)
          .on('auth_sessions')
          .columns([...columns])
          .execute()
      }
      await db.schema
        .createTable('auth_attempts')
        .addColumn('key', 'text', (column) => column.primaryKey())
        .addColumn('failures', 'integer', (column) => column.notNull())
        .addColumn('last_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createIndex('auth_attempts_age')
        .on('auth_attempts')
        .column('last_at')
        .execute()
      await db.schema
        .createTable('auth_link_codes')
        .addColumn('code', 'text', (column) => column.primaryKey())
        .addColumn('user_id', 'text', (column) => column.notNull().unique())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute()
    },
  },
  '2026-02-auth-user-version': {
    async up(db) {
      await db.schema
        .alterTable('auth_sessions')
        // Of sessions from before nobody knows the version: any change of their person ends them.
        .addColumn('user_version', 'integer', (column) => column.notNull().defaultTo(0))
        .execute()
    },
  },
}

import { sql } from 'kysely'
import type { Migration } from '@potok/core/database'

const documents: Migration = {
  async up(db, { dialect, jsonType }) {
    // Pages go by id: byte order in both dialects, whatever the server's locale.
    const ordered = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
    await db.schema
      .createTable('documents')
      .addColumn('entity', ordered, (column) => column.notNull())
      .addColumn('id', ordered, (column) => column.notNull())
      .addColumn('body', jsonType, (column) => column.notNull())
      .addColumn('size', 'integer', (column) => column.notNull())
      .addColumn('body_version', 'bigint')
      .addColumn('revision', 'bigint', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addColumn('deleted_at', 'bigint')
      .addPrimaryKeyConstraint('documents_pk', ['entity', 'id'])
      .execute()
    await db.schema
      .createIndex('documents_by_change')
      .on('documents')
      .columns(['entity', 'updated_at', 'id'])
      .execute()
    await db.schema
      .createIndex('documents_tombstones')
      .on('documents')
      .column('deleted_at')
      .where(sql.ref('deleted_at'), 'is not', null)
      .execute()
  },
}

/** What the plugin `documents` stores. */
export const documentsMigrations: Record<string, Migration> = { '2026-01-03-documents': documents }

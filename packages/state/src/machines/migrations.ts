import type { Migration } from '@potok/core/database'
import { builtInMachines } from './built-in.ts'
import { createMetadataIndex } from './metadata-index.ts'

const machines: Migration = {
  async up(db) {
    await db.schema
      .createTable('machines')
      .addColumn('entity', 'text', (column) => column.primaryKey())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('definition', 'text', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_by', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('machine_versions')
      .addColumn('entity', 'text', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('definition', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('created_by', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('machine_versions_pk', ['entity', 'version'])
      .execute()
  },
}

/** After the table `states`: its metadata indexes are declared by machines. */
const metadataIndexes: Migration = {
  async up(db, dialect) {
    for (const { entity, indexes = [] } of builtInMachines) {
      for (const path of indexes) await createMetadataIndex(dialect, entity, path).execute(db)
    }
  },
}

export const migrations = {
  '2026-01-machines': machines,
  '2026-01-states-metadata-indexes': metadataIndexes,
}

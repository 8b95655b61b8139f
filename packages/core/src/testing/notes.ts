/** A table for the tests of the database itself. */
import type { Database, JsonColumn, Migration, NumberColumn } from '../database/index.ts'

export interface NoteTables {
  notes: { id: string; count: NumberColumn; flag: number | boolean; body: JsonColumn }
}

export const migrations: Record<string, Migration> = {
  '2026-01-01-notes': {
    async up(db, dialect) {
      await db.schema
        .createTable('notes')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('count', 'bigint', (column) => column.notNull())
        .addColumn('flag', 'integer', (column) => column.notNull())
        .addColumn('body', dialect.jsonType, (column) => column.notNull())
        .execute()
    },
  },
}

export const note = (id: string, count = 0) => ({ id, count, flag: 0, body: '{}' })

export async function idsOf(database: Database<NoteTables>): Promise<string[]> {
  const rows = await database.kysely.selectFrom('notes').select('id').orderBy('id').execute()
  return rows.map(({ id }) => id)
}

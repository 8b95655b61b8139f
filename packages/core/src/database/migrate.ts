import type { DatabaseLog, Migration, NumberColumn } from './database.ts'
import type { Engine } from './engine.ts'
import type { DialectSql } from './dialect.ts'
import type { Scope } from './transaction-scope.ts'

/** A table of millions of rows may get an index. */
export const MIGRATION_TIMEOUT_MS = 600_000

interface MigrationTables {
  schema_migrations: { name: string; applied_at: NumberColumn }
}

/** @param run brings the schema up to date; an engine that cannot is closed */
export async function migrated(engine: Engine, run: () => Promise<void>): Promise<Engine> {
  try {
    await run()
    return engine
  } catch (error) {
    await engine.close()
    throw error
  }
}

/**
 * Runs the migrations that this database has not seen, ordered by name, in the caller's transaction: all or none.
 * A new one may sort before one that ran already, since a service merges its own with the queue's. A name that only
 * the database knows is a newer release's and is left alone.
 */
export async function migrate(
  scope: Scope,
  migrations: Record<string, Migration>,
  dialect: DialectSql,
  log: DatabaseLog,
): Promise<void> {
  const db = scope.transaction<MigrationTables>()
  await db.schema
    .createTable('schema_migrations')
    .ifNotExists()
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('applied_at', 'bigint', (column) => column.notNull())
    .execute()
  const rows = await db.selectFrom('schema_migrations').select('name').execute()
  const applied = new Set(rows.map(({ name }) => name))
  const due = Object.entries(migrations)
    .filter(([name]) => !applied.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  for (const [name, migration] of due) {
    await migration.up(scope.transaction(), dialect)
    await db.insertInto('schema_migrations').values({ name, applied_at: dialect.now() }).execute()
    log.info({ context: 'Database', migration: name }, 'migration applied')
  }
}

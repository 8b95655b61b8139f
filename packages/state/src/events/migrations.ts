import type { Migration } from '@potok/core/database'
import { sql } from 'kysely'
import { newEpoch } from './stretches.ts'

/** The genesis epoch owns position 0, so that an empty log has a cursor as well. */
const GENESIS = -1

const eventLog: Migration = {
  async up(db, dialect) {
    await db.schema
      .createTable('event_log')
      .addColumn('seq', dialect.serialType)
      .addColumn('id', 'text', (column) => column.notNull().unique())
      .addColumn('position', 'bigint', (column) => column.unique())
      .addColumn('event', 'text', (column) => column.notNull())
      .addColumn('timestamp_ms', 'bigint', (column) => column.notNull())
      .addColumn('entity', 'text')
      .addColumn('entity_id', 'text')
      .addColumn('correlation_id', 'text', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('event_log_entity')
      .on('event_log')
      .columns(['entity', 'position'])
      .where(sql<boolean>`entity is not null`)
      .execute()
    await db.schema
      .createIndex('event_log_unsequenced')
      .on('event_log')
      .column('seq')
      .where(sql<boolean>`position is null`)
      .execute()
    await db.schema
      .createTable('event_log_head')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('head', 'bigint', (column) => column.notNull())
      .addColumn('purged', 'bigint', (column) => column.notNull())
      .addColumn('epoch', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('event_epochs')
      .addColumn('epoch', 'text', (column) => column.primaryKey())
      .addColumn('after_position', 'bigint', (column) => column.notNull().unique())
      .execute()
    const epoch = newEpoch()
    await sql`insert into event_epochs (epoch, after_position) values (${epoch}, ${GENESIS})`.execute(
      db,
    )
    await sql`insert into event_log_head (id, head, purged, epoch) values (1, 0, 0, ${epoch})`.execute(
      db,
    )
    // The row is written at every append (SQLite) or batch (PostgreSQL): room for updates in place.
    if (dialect.dialect === 'postgres') {
      await sql`alter table event_log_head set (fillfactor = 10)`.execute(db)
    }
  },
}

export const migrations = { '2026-01-events': eventLog }

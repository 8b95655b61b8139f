import type { Migration } from '@potok/core/database'
import { sql, type Kysely } from 'kysely'

async function subscriptions(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('webhook_subscriptions')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('url', 'text', (column) => column.notNull())
    .addColumn('events', 'text', (column) => column.notNull())
    .addColumn('description', 'text')
    .addColumn('filter', 'text')
    .addColumn('ordering', 'text', (column) => column.notNull())
    .addColumn('max_retries', 'integer')
    .addColumn('retry_delays', 'text')
    .addColumn('timeout_ms', 'integer')
    .addColumn('max_in_flight', 'integer')
    .addColumn('external_id', 'text')
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('secret', 'text', (column) => column.notNull())
    .addColumn('previous_secret', 'text')
    .addColumn('previous_secret_until', 'bigint')
    .addColumn('active', 'integer', (column) => column.notNull())
    .addColumn('disabled_reason', 'text')
    .addColumn('consecutive_failures', 'integer', (column) => column.notNull())
    .addColumn('counted_failure_at', 'bigint')
    .addColumn('last_delivery_at', 'bigint')
    .addColumn('last_error', 'text')
    .addColumn('recovering', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('webhook_subscriptions_external', ['created_by', 'external_id'])
    .execute()
  await db.schema
    .createTable('webhook_registry')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .execute()
  await sql`insert into webhook_registry (id, version) values (1, 1)`.execute(db)
}

async function deliveries(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('webhook_deliveries')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('subscription_id', 'text', (column) => column.notNull())
    .addColumn('event_id', 'text', (column) => column.notNull())
    .addColumn('event', 'text', (column) => column.notNull())
    .addColumn('entity', 'text')
    .addColumn('entity_id', 'text')
    .addColumn('version', 'integer')
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('attempts', 'text', (column) => column.notNull())
    .addColumn('note', 'text')
    .addColumn('body', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('settled_at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('webhook_deliveries_of')
    .on('webhook_deliveries')
    .columns(['subscription_id', 'created_at', 'id'])
    .execute()
  await db.schema
    .createIndex('webhook_deliveries_dead')
    .on('webhook_deliveries')
    .columns(['subscription_id', 'created_at'])
    .where(sql<boolean>`status = 'dead'`)
    .execute()
}

const webhooks: Migration = {
  async up(db) {
    await subscriptions(db)
    await deliveries(db)
  },
}

const endpointVersion: Migration = {
  async up(db) {
    await db.schema
      .alterTable('webhook_subscriptions')
      .addColumn('endpoint_version', 'integer', (column) => column.notNull().defaultTo(1))
      .execute()
  },
}

export const migrations = {
  '2026-01-webhooks': webhooks,
  '2026-02-webhooks-endpoint-version': endpointVersion,
}

import type { Kysely, RawBuilder } from 'kysely'
import type { Migration } from '@potok/core/database'

async function people(db: Kysely<unknown>, jsonType: RawBuilder<unknown>): Promise<void> {
  await db.schema
    .createTable('bot_people')
    .addColumn('max_user_id', 'bigint', (column) => column.primaryKey())
    .addColumn('user_id', 'text', (column) => column.notNull())
    .addColumn('chat_id', 'bigint')
    .addColumn('locale', 'text', (column) => column.notNull())
    .addColumn('profile', jsonType, (column) => column.notNull())
    .addColumn('fetched_at', 'bigint', (column) => column.notNull())
    .addColumn('unreachable_at', 'bigint')
    .execute()
  await db.schema
    .createTable('bot_dialogs')
    .addColumn('chat', 'text', (column) => column.notNull())
    .addColumn('max_user_id', 'bigint', (column) => column.notNull())
    .addColumn('state', jsonType, (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('bot_dialogs_key', ['chat', 'max_user_id'])
    .execute()
  await db.schema
    .createTable('bot_offers')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('max_user_id', 'bigint', (column) => column.notNull())
    .addColumn('text', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute()
}

async function tasks(db: Kysely<unknown>, jsonType: RawBuilder<unknown>): Promise<void> {
  await db.schema
    .createTable('bot_cards')
    .addColumn('chat_id', 'bigint', (column) => column.notNull())
    .addColumn('task_id', 'text', (column) => column.notNull())
    .addColumn('mid', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('max_user_id', 'bigint')
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('bot_cards_key', ['chat_id', 'task_id'])
    .execute()
  await db.schema
    .createTable('bot_last_sent')
    .addColumn('chat_id', 'bigint', (column) => column.primaryKey())
    .addColumn('mid', 'text', (column) => column.notNull())
    .addColumn('sent_at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('bot_task_events')
    .addColumn('event_id', 'text', (column) => column.primaryKey())
    .addColumn('task_id', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('event', jsonType, (column) => column.notNull())
    .addColumn('received_at', 'bigint', (column) => column.notNull())
    .addColumn('told_at', 'bigint')
    .execute()
  await db.schema
    .createTable('bot_facts')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', jsonType, (column) => column.notNull())
    .addColumn('holder', 'text')
    .addColumn('expires_at', 'bigint')
    .execute()
}

async function indexes(db: Kysely<unknown>): Promise<void> {
  for (const [name, table, columns] of [
    ['bot_people_user', 'bot_people', ['user_id']],
    ['bot_dialogs_age', 'bot_dialogs', ['updated_at']],
    ['bot_offers_age', 'bot_offers', ['created_at']],
    ['bot_cards_task', 'bot_cards', ['task_id']],
    ['bot_cards_message', 'bot_cards', ['mid']],
    ['bot_cards_age', 'bot_cards', ['updated_at']],
    ['bot_last_sent_age', 'bot_last_sent', ['sent_at']],
    ['bot_task_events_task', 'bot_task_events', ['task_id', 'told_at']],
    ['bot_task_events_age', 'bot_task_events', ['received_at']],
  ] as const) {
    await db.schema
      .createIndex(name)
      .on(table)
      .columns([...columns])
      .execute()
  }
}

export const botMigrations: Record<string, Migration> = {
  '2026-01-bot': {
    async up(db, { jsonType }) {
      await people(db, jsonType)
      await tasks(db, jsonType)
      await indexes(db)
    },
  },
}

import { createHash, randomUUID } from 'node:crypto'
import { sql, type Selectable } from 'kysely'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { audienceOf, audiencesOf, type Reader } from './audience.ts'
import type { NotificationCreate } from './schemas.ts'
import type { NotificationTables } from './tables.ts'

export type NotificationRow = Selectable<NotificationTables['notifications']>

export interface NewNotification extends NotificationCreate {
  /** Of one key there is one notification, however often it is put. */
  key?: string
}

export type NotificationRows = ReturnType<typeof createNotificationRows>

type Tables = ReturnType<typeof tablesOf>

const PAGE = 500

/** Of a fixed form, whatever the key is made of. */
function idOf({ key }: NewNotification): string {
  const unique = key === undefined ? randomUUID().replaceAll('-', '') : digestOf(key)
  return `ntf_${unique}`
}

const digestOf = (key: string): string =>
  createHash('sha256').update(key).digest('hex').slice(0, 32)

const tablesOf = (database: AnyDatabase) => database.as<NotificationTables>()

/** What was stored from `since` on, oldest first, page by page. */
async function* pages({ kysely }: Tables, since: number): AsyncGenerator<NotificationRow[]> {
  for (let at = since, id = ''; ;) {
    const rows = await kysely
      .selectFrom('notifications')
      .selectAll()
      .where(sql<boolean>`(created_at, id) > (${at}, ${id})`)
      .orderBy('created_at')
      .orderBy('id')
      .limit(PAGE)
      .execute()
    if (rows.length > 0) yield rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return
    at = last.created_at
    id = last.id
  }
}

/** The newest that a person has not seen, oldest first. */
async function unseen({ kysely }: Tables, reader: Reader, limit: number) {
  const rows = await kysely
    .selectFrom('notifications')
    .leftJoin('notifications_seen', (join) =>
      join
        .onRef('notifications_seen.notification_id', '=', 'notifications.id')
        .on('notifications_seen.user_id', '=', reader.id),
    )
    .selectAll('notifications')
    .where('audience', 'in', audiencesOf(reader))
    .where('notifications_seen.user_id', 'is', null)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return rows.toReversed()
}

/** Notes that a person has seen one. @returns false when it is not theirs, or not there */
async function see(
  database: AnyDatabase,
  trx: AnyTransaction,
  reader: Reader,
  id: string,
): Promise<boolean> {
  const tables = tablesOf(database).transaction(trx)
  const found = await tables
    .selectFrom('notifications')
    .select('id')
    .where('id', '=', id)
    .where('audience', 'in', audiencesOf(reader))
    .executeTakeFirst()
  if (found === undefined) return false
  await tables
    .insertInto('notifications_seen')
    .values({ notification_id: id, user_id: reader.id, seen_at: database.now() })
    .onConflict((conflict) => conflict.columns(['notification_id', 'user_id']).doNothing())
    .execute()
  return true
}

async function purge(database: AnyDatabase, trx: AnyTransaction, olderThanMs: number) {
  const tables = tablesOf(database).transaction(trx)
  const old = tables
    .selectFrom('notifications')
    .select('id')
    .where('created_at', '<', sql<number>`${database.now()} - ${olderThanMs}`)
  await tables.deleteFrom('notifications_seen').where('notification_id', 'in', old).execute()
  const { numDeletedRows } = await tables
    .deleteFrom('notifications')
    .where('id', 'in', old)
    .executeTakeFirst()
  return Number(numDeletedRows)
}

/** Notifications in the store. One row each, whoever it is for; who has seen it stands beside it. */
export function createNotificationRows(database: AnyDatabase) {
  const tables = tablesOf(database)
  return {
    /** Stores what is new. One whose key was put before is left as it is. */
    async put(
      trx: AnyTransaction,
      notifications: readonly NewNotification[],
    ): Promise<NotificationRow[]> {
      if (notifications.length === 0) return []
      return tables
        .transaction(trx)
        .insertInto('notifications')
        .values(
          notifications.map((one) => ({
            id: idOf(one),
            audience: audienceOf(one.to),
            level: one.level,
            title: one.title,
            text: one.text,
            link: one.link ?? null,
            created_at: database.now(),
          })),
        )
        .onConflict((conflict) => conflict.column('id').doNothing())
        .returningAll()
        .execute()
    },
    /** What was stored from `since` on, oldest first, and the database's time before it was looked for. */
    async since(since: number): Promise<{ rows: NotificationRow[]; now: number }> {
      const { now } = await tables.kysely
        .selectNoFrom(database.now().as('now'))
        .executeTakeFirstOrThrow()
      const rows: NotificationRow[] = []
      for await (const page of pages(tables, since)) rows.push(...page)
      return { rows, now }
    },
    unseen: (reader: Reader, limit: number): Promise<NotificationRow[]> =>
      unseen(tables, reader, limit),
    seen: (reader: Reader, id: string): Promise<boolean> =>
      database.write((trx) => see(database, trx, reader, id)),
    /** Removes what is older, seen or not. @returns how many */
    purge: (olderThanMs: number): Promise<number> =>
      database.write((trx) => purge(database, trx, olderThanMs)),
  }
}

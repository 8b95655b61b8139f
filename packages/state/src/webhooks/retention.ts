import { sql } from 'kysely'
import type { AnyDatabase, DatabaseLog } from '@potok/core/database'
import { createParser } from '@potok/core/validation'
import { DeliveryJob } from './delivery-job.ts'
import { attemptsOf } from './delivery-view.ts'
import type { DeliveryLog } from './delivery-log.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Registry } from './registry.ts'
import type { WebhookTables } from './tables.ts'

const DAY_MS = 86_400_000
/** Rows removed in one transaction. */
const BATCH = 500

export interface RetentionDeps {
  database: AnyDatabase
  registry: Registry
  dispatcher: Dispatcher
  log: DeliveryLog
  logger: DatabaseLog
  /** DELIVERY_RETENTION_DAYS */
  days: number
}

const parseJob = createParser(DeliveryJob)

/** The subscriptions of which there are deliveries, those that are no more too: one seek for each. */
async function subscriptionsOf(database: AnyDatabase): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with recursive seen(id) as (
      select min(subscription_id) from webhook_deliveries
      union all
      select (select min(d.subscription_id) from webhook_deliveries d where d.subscription_id > seen.id)
      from seen where seen.id is not null)
    select id from seen where id is not null`.execute(database.as<WebhookTables>().kysely)
  return rows.map(({ id }) => id)
}

async function purgeLog({ database, days }: RetentionDeps, signal: AbortSignal): Promise<number> {
  const tables = database.as<WebhookTables>()
  let removed = 0
  for (const subscriptionId of await subscriptionsOf(database)) {
    for (let batch = BATCH; batch === BATCH && !signal.aborted; removed += batch) {
      const oldest = sql<number>`${database.now()} - ${sql.lit(days * DAY_MS)}`
      const { numDeletedRows } = await database.write((trx) =>
        tables
          .transaction(trx)
          .deleteFrom('webhook_deliveries')
          .where('id', 'in', (db) =>
            db
              .selectFrom('webhook_deliveries')
              .select('id')
              .where('subscription_id', '=', subscriptionId)
              .where('created_at', '<', oldest)
              .where('settled_at', '<', oldest)
              .where('status', '<>', 'pending')
              .orderBy('created_at')
              .limit(BATCH),
          )
          .executeTakeFirstOrThrow(),
      )
      batch = Number(numDeletedRows)
    }
  }
  return removed
}

/** What waits for a subscription that nobody re-activates is given up, and says so in the log. */
async function giveUpHeld(deps: RetentionDeps, lane: string): Promise<number> {
  const { database, dispatcher, log, registry, days } = deps
  const oldest = registry.storeTime - days * DAY_MS
  const jobs = await dispatcher.queue.list({ lane, limit: BATCH })
  const old = jobs.filter(({ enqueuedAt, state }) => state === 'held' && enqueuedAt < oldest)
  if (old.length === 0) return 0
  return database.write(async (trx) => {
    const gone = new Set(await dispatcher.queue.skip(trx, { ids: old.map(({ id }) => id) }))
    const given = old.filter(({ id }) => gone.has(id))
    const known = new Map((await log.find([...gone], trx)).map((row) => [row.id, row]))
    await log.record(
      trx,
      given.map(({ id, payload, enqueuedAt }) => ({
        id,
        subscriptionId: lane,
        job: parseJob(JSON.parse(payload)),
        status: 'cancelled' as const,
        attempts: attemptsOf(known.get(id)),
        note: `held for more than DELIVERY_RETENTION_DAYS (${days})`,
        createdAt: enqueuedAt,
      })),
    )
    return given.length
  })
}

/** Removes finished deliveries that are too old from the log, and held ones from the queue. */
export async function purgeDeliveries(deps: RetentionDeps, signal: AbortSignal): Promise<void> {
  const removed = await purgeLog(deps, signal)
  let givenUp = 0
  for (const { id, active } of (await deps.registry.fresh()).byId.values()) {
    if (active) continue
    for (let batch = BATCH; batch === BATCH && !signal.aborted; givenUp += batch) {
      batch = await giveUpHeld(deps, id)
    }
  }
  if (removed + givenUp > 0)
    deps.logger.info({ removed, givenUp }, 'deliveries past their retention removed')
}

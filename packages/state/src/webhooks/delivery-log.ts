import { Type } from '@sinclair/typebox'
import { sql } from 'kysely'
import { DeliveryAttempt, type DeliveryStatus } from '@potok/contracts/webhook'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import { createParser } from '@potok/core/validation'
import type { EventLog } from '../events/index.ts'
import type { DeliveryJob } from './delivery-job.ts'
import type { WebhookDeliveriesTable, WebhookTables } from './tables.ts'

const COLUMNS = {
  id: 'text',
  subscription_id: 'text',
  event_id: 'text',
  event: 'text',
  entity: 'text',
  entity_id: 'text',
  version: 'bigint',
  status: 'text',
  attempts: 'text',
  note: 'text',
  body: 'text',
  created_at: 'bigint',
} as const

/** A line of the log as it is written. */
export interface Entry {
  id: string
  subscriptionId: string
  job: DeliveryJob
  status: DeliveryStatus
  attempts: readonly DeliveryAttempt[]
  note?: string
  /** Epoch ms. */
  createdAt: number
}

/** A delivery's place in the log: epoch ms and id. */
interface Place {
  createdAt: number
  id: string
}

export interface PageQuery {
  subscriptionId: string
  status: DeliveryStatus | undefined
  before: Place
  limit: number
}

export interface SpanQuery {
  subscriptionId: string
  status: DeliveryStatus
  /** Epoch ms, exclusive. */
  to: number
  after: Place
  limit: number
}

export const parseAttempts = createParser(Type.Array(DeliveryAttempt))

/** What was delivered can be taken from the event log again, if it stood there; what is given up takes its text along. */
const isGivenUp = (status: DeliveryStatus): boolean =>
  status !== 'delivered' && status !== 'pending'

function rowOf({ id, subscriptionId, job, status, attempts, note, createdAt }: Entry) {
  return {
    id,
    subscription_id: subscriptionId,
    event_id: job.eventId,
    event: job.event,
    entity: job.entity ?? null,
    entity_id: job.entityId ?? null,
    version: job.version ?? null,
    status,
    attempts: JSON.stringify(attempts),
    note: note ?? null,
    // A job that carries its text does so because nobody else has it for sure. What is pending is in the queue.
    body: status === 'pending' ? null : (job.body ?? null),
    created_at: job.createdAt ?? createdAt,
  }
}

function statements(database: AnyDatabase) {
  const given = (ids: Parameters<AnyDatabase['rows']>[0]) =>
    sql`(select id from ${database.rows(ids, { id: 'text' })} as g)`
  return {
    record: database.statement<{ entries: string }>()(
      (slot) => sql`
        insert into webhook_deliveries (id, subscription_id, event_id, event, entity, entity_id, version,
          status, attempts, note, body, created_at, settled_at)
        select g.id, g.subscription_id, g.event_id, g.event, g.entity, g.entity_id, g.version,
          g.status, g.attempts, g.note, g.body, g.created_at, clock.at
        from ${database.rows(slot('entries'), COLUMNS)} as g cross join (select ${database.now()} as at) as clock
        where true
        on conflict (id) do update set status = excluded.status,
          attempts = case when excluded.attempts = '[]' then webhook_deliveries.attempts else excluded.attempts end,
          note = excluded.note, body = excluded.body, settled_at = excluded.settled_at`,
    ),
    find: database.statement<{ ids: string }>()(
      (slot) => sql<WebhookDeliveriesTable>`
        select * from webhook_deliveries where id in ${given(slot('ids'))}`,
    ),
    reopen: database.statement<{ ids: string }>()(
      (slot) => sql`
        update webhook_deliveries set status = 'pending', note = null, body = null
        where id in ${given(slot('ids'))}`,
    ),
  }
}

const idsOf = (ids: readonly string[]): string => JSON.stringify(ids.map((id) => ({ id })))

/** The log of deliveries that were tried or are finished. */
export class DeliveryLog {
  readonly #database: AnyDatabase
  readonly #findEvents: EventLog['find']
  readonly #run: ReturnType<typeof statements>

  /** @param findEvents what is given up takes its text along from the event log, and can be sent again for longer */
  constructor(database: AnyDatabase, findEvents: EventLog['find']) {
    this.#database = database
    this.#findEvents = findEvents
    this.#run = statements(database)
  }

  /** Writes lines; a delivery has one, which follows what becomes of it. */
  async record(trx: AnyTransaction, entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return
    const rows = entries.map(rowOf)
    const bare = rows.filter(({ status, body }) => isGivenUp(status) && body === null)
    if (bare.length > 0) {
      const kept = await this.#findEvents(
        bare.map((row) => row.event_id),
        trx,
      )
      for (const row of bare) row.body = kept.get(row.event_id)?.body ?? null
    }
    await this.#run.record({ entries: JSON.stringify(rows) }, trx)
  }

  async find(ids: readonly string[], trx?: AnyTransaction): Promise<WebhookDeliveriesTable[]> {
    return (await this.#run.find({ ids: idsOf(ids) }, trx)).rows
  }

  /** What was tried for this delivery before. */
  async attempts(id: string): Promise<DeliveryAttempt[]> {
    const [row] = await this.find([id])
    return row === undefined ? [] : parseAttempts(JSON.parse(row.attempts))
  }

  /** They are in the queue again. */
  async reopen(trx: AnyTransaction, ids: readonly string[]): Promise<void> {
    await this.#run.reopen({ ids: idsOf(ids) }, trx)
  }

  /** Finished deliveries of a subscription, newest first, behind a place. */
  page({ subscriptionId, status, before, limit }: PageQuery): Promise<WebhookDeliveriesTable[]> {
    return this.#rows(subscriptionId)
      .where('status', status === undefined ? '<>' : '=', status ?? 'pending')
      .where(sql<boolean>`(created_at, id) < (${before.createdAt}, ${before.id})`)
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
      .execute()
  }

  /** Finished deliveries of a status that came up in a span of time, oldest first. */
  span({ subscriptionId, status, to, after, limit }: SpanQuery): Promise<WebhookDeliveriesTable[]> {
    return this.#rows(subscriptionId)
      .where('status', '=', status)
      .where('created_at', '<', to)
      .where(sql<boolean>`(created_at, id) > (${after.createdAt}, ${after.id})`)
      .orderBy('created_at')
      .orderBy('id')
      .limit(limit)
      .execute()
  }

  /** How many deliveries of each subscription are dead. */
  async dead(): Promise<Map<string, number>> {
    const rows = await this.#database
      .as<WebhookTables>()
      .kysely.selectFrom('webhook_deliveries')
      .select(['subscription_id', ({ fn }) => fn.countAll<number>().as('count')])
      .where('status', '=', sql.lit('dead'))
      .groupBy('subscription_id')
      .execute()
    return new Map(rows.map((row) => [row.subscription_id, row.count]))
  }

  #rows(subscriptionId: string) {
    return this.#database
      .as<WebhookTables>()
      .kysely.selectFrom('webhook_deliveries')
      .selectAll()
      .where('subscription_id', '=', subscriptionId)
  }
}

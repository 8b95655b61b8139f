import type { DeliveryStatus } from '@potok/contracts/webhook'
import type { AnyDatabase } from '@potok/core/database'
import type { FastifyInstance } from 'fastify'
import { jobFor, type DeliveryJob } from './delivery-job.ts'
import type { DeliveryLog } from './delivery-log.ts'
import { attemptsOf } from './delivery-view.ts'
import type { Dispatcher } from './dispatcher.ts'
import { DeliveryNotFound, DeliveryPending, EventGone, SubscriptionNotFound } from './errors.ts'
import type { Registry } from './registry.ts'
import type { Subscriber } from './subscriber.ts'
import type { WebhookDeliveriesTable } from './tables.ts'

export interface ReplayDeps {
  database: AnyDatabase
  registry: Registry
  dispatcher: Dispatcher
  log: DeliveryLog
  events: Pick<FastifyInstance['events'], 'find'>
}

export interface ReplayQuery {
  /** Epoch ms, inclusive. */
  from: number
  /** Epoch ms, exclusive. */
  to: number
  status: DeliveryStatus
}

/** Deliveries put back in one transaction. */
const BATCH = 200
/** Deliveries put back by one call. */
export const REPLAY_LIMIT = 10_000

type Again = { row: WebhookDeliveriesTable; payload: DeliveryJob }

/** What to send; leaves out events of which nothing is kept any more. */
async function again(
  events: ReplayDeps['events'],
  rows: readonly WebhookDeliveriesTable[],
  correlationId: string,
): Promise<Again[]> {
  const kept = await events.find(rows.map((row) => row.event_id))
  return rows.flatMap((row) => {
    const event = kept.get(row.event_id)
    const body = row.body ?? event?.body
    if (body === undefined) return []
    const payload: DeliveryJob = {
      eventId: row.event_id,
      event: row.event,
      ...(row.entity === null ? {} : { entity: row.entity }),
      ...(row.entity_id === null ? {} : { entityId: row.entity_id }),
      ...(row.version === null ? {} : { version: row.version }),
      correlationId: event?.correlationId ?? correlationId,
      body,
      prior: attemptsOf(row).length,
      createdAt: row.created_at,
    }
    return [{ row, payload }]
  })
}

/** Sends again what is finished, under the same id and with the same body. */
export function createReplay({ database, registry, dispatcher, log, events }: ReplayDeps) {
  async function subscriber(id: string): Promise<Subscriber> {
    const found = await registry.find(id)
    if (found === undefined) throw new SubscriptionNotFound(id)
    return found
  }

  /** @returns the ids that were put back: not those that are on their way already */
  function enqueue(to: Subscriber, given: readonly Again[]): Promise<string[]> {
    const jobs = given.map(({ row, payload }) => ({ ...jobFor(to, payload), id: row.id }))
    return database.write(async (trx) => {
      const accepted = await dispatcher.queue.enqueue(trx, jobs)
      await log.reopen(trx, accepted)
      return accepted
    })
  }

  /** What waits for its next attempt gets it now, however long it would have had to wait. */
  async function hurry(lane: string, { from, to }: ReplayQuery) {
    const limit = REPLAY_LIMIT
    const replayed = await database.write((trx) =>
      dispatcher.queue.hurry(trx, { lane, from, to, limit }),
    )
    return { replayed, more: replayed === limit }
  }

  return {
    /** @throws DeliveryNotFound, DeliveryPending, EventGone, SubscriptionNotFound */
    async redeliver(id: string, correlationId: string): Promise<void> {
      const [waiting] = await dispatcher.queue.list({ ids: [id] })
      if (waiting !== undefined) {
        await subscriber(waiting.lane)
        throw new DeliveryPending(id)
      }
      const [row] = await log.find([id])
      if (row === undefined) throw new DeliveryNotFound(id)
      const to = await subscriber(row.subscription_id)
      const given = await again(events, [row], correlationId)
      if (given.length === 0) throw new EventGone(id)
      if ((await enqueue(to, given)).length === 0) throw new DeliveryPending(id)
    },

    /**
     * Sends again what of a subscription came up in a span of time, the oldest first; what is pending is due now.
     * @returns how many, and whether there is more
     * @throws SubscriptionNotFound
     */
    async replay(
      subscriptionId: string,
      query: ReplayQuery,
      correlationId: string,
    ): Promise<{ replayed: number; more: boolean }> {
      const to = await subscriber(subscriptionId)
      if (query.status === 'pending') return hurry(subscriptionId, query)
      let replayed = 0
      let after = { createdAt: query.from, id: '' }
      for (let seen = 0; seen < REPLAY_LIMIT; seen += BATCH) {
        const rows = await log.span({ subscriptionId, ...query, after, limit: BATCH })
        const last = rows.at(-1)
        if (last === undefined) return { replayed, more: false }
        replayed += (await enqueue(to, await again(events, rows, correlationId))).length
        after = { createdAt: last.created_at, id: last.id }
        if (rows.length < BATCH) return { replayed, more: false }
      }
      return { replayed, more: true }
    },
  }
}

export type Replay = ReturnType<typeof createReplay>

import { Type, type Static } from '@sinclair/typebox'
import type { Delivery, DeliveryStatus } from '@potok/contracts/webhook'
import type { Page } from '@potok/contracts/state'
import type { AnyDatabase } from '@potok/core/database'
import type { ListedJob } from '@potok/core/queue'
import { createParser } from '@potok/core/validation'
import { finishedDelivery, waitingDelivery } from './delivery-view.ts'
import type { DeliveryLog } from './delivery-log.ts'
import type { Dispatcher } from './dispatcher.ts'
import { CursorRefused, DeliveryNotFound } from './errors.ts'
import type { WebhookTables } from './tables.ts'

export interface DeliveriesDeps {
  database: AnyDatabase
  dispatcher: Dispatcher
  log: DeliveryLog
}

export interface DeliveryQuery {
  status?: DeliveryStatus | undefined
  limit: number
  cursor?: string | undefined
}

/** Cursors come back from outside: whatever is none of ours must not reach the store. */
const Count = Type.Integer({
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
})
const InQueue = Type.Object({
  state: Type.Integer({ minimum: -1, maximum: 3 }),
  sort: Count,
  seq: Count,
})
const InLog = Type.Object({
  createdAt: Count,
  id: Type.String({ pattern: '^[A-Za-z0-9_]{1,64}$' }),
})
/** Where the next page begins. */
const Place = Type.Union([InQueue, InLog])
type Place = Static<typeof Place>

const QUEUE_START = { state: -1, sort: Number.MIN_SAFE_INTEGER, seq: 0 }
/** No id is greater than `~`. */
const LOG_START = { createdAt: Number.MAX_SAFE_INTEGER, id: '~' }
const parsePlace = createParser(Place)

const encode = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url')

function decode(cursor: string): Place {
  try {
    return parsePlace(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')))
  } catch (cause) {
    throw Object.assign(new CursorRefused(), { cause })
  }
}

/** Shows deliveries: those in the queue in the order of their turn, then those of the log, newest first. */
export class Deliveries {
  readonly #deps: DeliveriesDeps

  constructor(deps: DeliveriesDeps) {
    this.#deps = deps
  }

  /** @throws DeliveryNotFound */
  async find(id: string): Promise<Delivery> {
    const { dispatcher, log } = this.#deps
    const [shown] = await this.#waiting(await dispatcher.queue.list({ ids: [id] }))
    if (shown !== undefined) return shown
    const [row] = await log.find([id])
    if (row === undefined) throw new DeliveryNotFound(id)
    return finishedDelivery(row)
  }

  /** @throws CursorRefused */
  async list(subscriptionId: string, query: DeliveryQuery): Promise<Page<Delivery>> {
    const { status, limit, cursor } = query
    const asked = cursor === undefined ? QUEUE_START : decode(cursor)
    const onlyWaiting = status === 'pending' || status === 'held'
    const items: Delivery[] = []
    if ('state' in asked && (status === undefined || onlyWaiting)) {
      const { queue } = this.#deps.dispatcher
      const jobs = await queue.list({ lane: subscriptionId, after: asked, limit })
      const shown = await this.#waiting(jobs)
      items.push(...shown.filter((delivery) => status === undefined || delivery.status === status))
      const last = jobs.at(-1)
      if (jobs.length === limit && last !== undefined)
        return { items, nextCursor: encode(last.after) }
    }
    if (onlyWaiting) return { items }
    const room = limit - items.length
    const place = 'state' in asked ? LOG_START : asked
    const { log } = this.#deps
    const rows = await log.page({ subscriptionId, status, before: place, limit: room })
    items.push(...rows.map(finishedDelivery))
    const last = rows.at(-1)
    if (rows.length < room || last === undefined) return { items }
    return { items, nextCursor: encode({ createdAt: last.created_at, id: last.id }) }
  }

  async #waiting(jobs: readonly ListedJob[]): Promise<Delivery[]> {
    if (jobs.length === 0) return []
    const { database, dispatcher, log } = this.#deps
    const rows = await log.find(jobs.map(({ id }) => id))
    const known = new Map(rows.map((row) => [row.id, row]))
    const lanes = [...new Set(jobs.map(({ lane }) => lane))]
    const subscriptions = await database
      .as<WebhookTables>()
      .kysely.selectFrom('webhook_subscriptions')
      .select(['id', 'disabled_reason'])
      .where('id', 'in', lanes)
      .execute()
    const reasons = new Map(subscriptions.map((row) => [row.id, row.disabled_reason]))
    return jobs.map((job) =>
      waitingDelivery(job, known.get(job.id), {
        isGone: !reasons.has(job.lane),
        disabledReason: reasons.get(job.lane) ?? null,
        breakerOpen: dispatcher.breaker.isOpen(job.lane),
      }),
    )
  }
}

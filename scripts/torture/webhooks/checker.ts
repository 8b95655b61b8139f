import type { EventLogItem } from '@potok/contracts/event'
import type { Delivery } from '@potok/contracts/webhook'
import type { Page } from '@potok/contracts/state'
import { unsignedText } from '@potok/contracts/webhook-signature'
import { call } from '../../system/api.ts'
import { KEY } from '../state/writers.ts'
import type { Receipt } from './sink.ts'
import type { Subscribed } from './subscriptions.ts'

/** Where a delivery may rest without having been delivered. */
const KEPT = new Set(['dead', 'held', 'skipped'])

export async function deliveries(origin: string, id: string): Promise<Delivery[]> {
  const items: Delivery[] = []
  let cursor: string | undefined
  do {
    const query = `limit=500${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
    const { status, body } = await call<Page<Delivery>>(
      `${origin}/api/v1/webhooks/subscriptions/${id}/deliveries?${query}`,
      { headers: KEY },
    )
    if (status !== 200) throw new Error(`Deliveries of ${id}: ${status} ${JSON.stringify(body)}`)
    items.push(...body.items)
    cursor = body.nextCursor
  } while (cursor !== undefined)
  return items
}

const signatures = ({ endpoint }: Subscribed, receipts: readonly Receipt[]): string[] =>
  receipts.flatMap(({ headers, refusal }) =>
    refusal === undefined ? [] : [`${endpoint}: ${String(headers['webhook-id'])}: ${refusal}`],
  )

/** The same event is told in the same words however often it is told. */
function sameWords({ endpoint }: Subscribed, receipts: readonly Receipt[]): string[] {
  const words = new Map<string, string>()
  return receipts.flatMap(({ headers, body }) => {
    const id = String(headers['webhook-id'])
    const text = unsignedText(body)
    const before = words.get(id) ?? text
    words.set(id, before)
    return before === text ? [] : [`${endpoint}: ${id} was told in two ways`]
  })
}

/** However often a change is told, it is told under one id. */
function oneId({ endpoint }: Subscribed, receipts: readonly Receipt[]): string[] {
  const ids = new Map<string, string>()
  return receipts.flatMap(({ headers, body }) => {
    const { data } = JSON.parse(body) as { data: { id: string; version: number } }
    const change = `${data.id}@${data.version}`
    const id = String(headers['webhook-id'])
    const before = ids.get(change) ?? id
    ids.set(change, before)
    return before === id ? [] : [`${endpoint}: ${change} came as ${before} and as ${id}`]
  })
}

/** Nothing was sent where nothing may be sent, and each delivery says which setting would open the way. */
function forbidden({ endpoint, isForbidden }: Subscribed, rows: readonly Delivery[]): string[] {
  if (!isForbidden) return []
  return rows
    .filter(({ explain }) => !explain.includes('WEBHOOK_ALLOWED_TARGETS'))
    .map(({ id, status, explain }) => `${endpoint}: ${id} is ${status} and says only: ${explain}`)
}

/** In mode `entity` a taken version is never followed by an older one of the same entity. */
function neverBackwards(
  { endpoint, ordering }: Subscribed,
  receipts: readonly Receipt[],
): string[] {
  if (ordering !== 'entity') return []
  const taken = new Map<string, number>()
  return receipts.flatMap(({ body, behaviour }) => {
    const { data } = JSON.parse(body) as { data: { id: string; version: number } }
    const before = taken.get(data.id) ?? 0
    if (behaviour === 'ok') taken.set(data.id, Math.max(before, data.version))
    return data.version < before ? [`${endpoint}: ${data.id}@${data.version} after @${before}`] : []
  })
}

function eachEvent(
  { endpoint }: Subscribed,
  log: readonly EventLogItem[],
  rows: readonly Delivery[],
  receipts: readonly Receipt[],
): string[] {
  const taken = new Set(
    receipts
      .filter(({ behaviour }) => behaviour === 'ok')
      .map(({ headers }) => String(headers['webhook-id'])),
  )
  const byEvent = new Map(rows.map((row) => [row.eventId, row]))
  return log.flatMap(({ id }) => {
    const row = byEvent.get(id)
    if (row === undefined) return [`${endpoint}: ${id} has no delivery at all`]
    if (row.status === 'delivered')
      return taken.has(id) ? [] : [`${endpoint}: ${id} is called delivered and never was`]
    if (KEPT.has(row.status))
      return row.explain === '' ? [`${endpoint}: ${id} is ${row.status} without a reason`] : []
    return [`${endpoint}: ${id} is still ${row.status}: ${row.explain}`]
  })
}

/** Holds the event log, the delivery log and what the sink saw against each other. */
export async function check(
  origin: string,
  subscriptions: readonly Subscribed[],
  log: readonly EventLogItem[],
  receipts: readonly Receipt[],
): Promise<{ faults: string[]; statuses: Record<string, number> }> {
  const faults: string[] = []
  const statuses: Record<string, number> = {}
  for (const subscription of subscriptions) {
    const own = receipts.filter(({ endpoint }) => endpoint === subscription.endpoint)
    const rows = await deliveries(origin, subscription.id)
    for (const { status } of rows) statuses[status] = (statuses[status] ?? 0) + 1
    faults.push(
      ...eachEvent(subscription, log, rows, own),
      ...signatures(subscription, own),
      ...sameWords(subscription, own),
      ...oneId(subscription, own),
      ...forbidden(subscription, rows),
      ...neverBackwards(subscription, own),
    )
  }
  return { faults, statuses }
}

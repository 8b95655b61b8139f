import { hash } from 'node:crypto'
import { Type, type Static } from '@sinclair/typebox'
import type { NewJob } from '@potok/core/queue'
import type { StoredEvent } from '../events/index.ts'
import type { Subscriber } from './subscriber.ts'

/** What the queue keeps of a delivery: all that is needed to make it, but nothing of its subscription. */
export const DeliveryJob = Type.Object({
  eventId: Type.String(),
  event: Type.String(),
  entity: Type.Optional(Type.String()),
  entityId: Type.Optional(Type.String()),
  version: Type.Optional(Type.Integer()),
  correlationId: Type.String(),
  /** The event's JSON text, to be signed and sent as it is. Absent: it stands in the event log. */
  body: Type.Optional(Type.String()),
  /** Attempts made before it was sent again; they do not count against its retries. */
  prior: Type.Optional(Type.Integer()),
  /** When the delivery first came up, when that was before this job. */
  createdAt: Type.Optional(Type.Integer()),
})
export type DeliveryJob = Static<typeof DeliveryJob>

/** What an event's id begins with is in the order of events, and its deliveries' ids take it over: see {@link deliveryId}. */
const EVENT_ORDER = /^evt_([0-9a-f]+)[0-9a-f]{12}$/u
/** 48 bits, which tell the deliveries of one event apart. */
const REST_DIGITS = 12
/** Where there is no order to take over. */
const ID_DIGITS = 24

/**
 * One event goes to one subscription under one id, whoever puts it there and however often. Deliveries that are made
 * together are stored together: in the order of their events they change few pages of an index, at random all of them.
 */
export function deliveryId(subscriptionId: string, eventId: string): string {
  const digest = hash('sha256', `${subscriptionId}\n${eventId}`)
  const order = EVENT_ORDER.exec(eventId)?.[1]
  return order === undefined
    ? `dlv_${digest.slice(0, ID_DIGITS)}`
    : `dlv_${order}${digest.slice(0, REST_DIGITS)}`
}

/** The key under which deliveries of one entity go one after another. */
export function orderKey(
  { ordering }: Pick<Subscriber, 'ordering'>,
  { entity, entityId }: Pick<DeliveryJob, 'entity' | 'entityId'>,
): string | undefined {
  if (ordering === 'none' || entity === undefined || entityId === undefined) return undefined
  return `${entity}/${entityId}`
}

/** The job that brings an event to a subscriber. */
export function jobFor(
  subscriber: Pick<Subscriber, 'id' | 'ordering'>,
  payload: DeliveryJob,
): NewJob<DeliveryJob> & { id: string } {
  const key = orderKey(subscriber, payload)
  return {
    id: deliveryId(subscriber.id, payload.eventId),
    lane: subscriber.id,
    ...(key === undefined ? {} : { key }),
    payload,
  }
}

/** What a stored event becomes in the queue. Its text is in the log once, not with each of its deliveries. */
export function payloadOf(event: StoredEvent): DeliveryJob {
  const { id: eventId, event: name, entity, entityId, version, correlationId } = event
  return {
    eventId,
    event: name,
    ...(entity === undefined ? {} : { entity }),
    ...(entityId === undefined ? {} : { entityId }),
    ...(version === undefined ? {} : { version }),
    correlationId,
  }
}

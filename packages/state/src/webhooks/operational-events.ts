import type { AnyTransaction } from '@potok/core/database'
import { randomEventId, serialise } from '../events/index.ts'
import type { DeliveryJob } from './delivery-job.ts'
import { namesMatch } from './matching.ts'
import type { Subscriber } from './subscriber.ts'

/** Events about webhooks themselves. */
export type OperationalName =
  | 'webhook.disabled'
  | 'webhook.recovered'
  | 'webhook.exhausted'
  | 'webhook.ping'

/** An operational event as a delivery. It is not in the event log: only those who name it get it. */
export function operationalJob(
  event: OperationalName,
  data: Record<string, unknown>,
  { timestampMs, correlationId }: { timestampMs: number; correlationId: string },
): DeliveryJob & { body: string } {
  const id = randomEventId(timestampMs)
  return { eventId: id, event, correlationId, body: serialise({ id, event, timestampMs, data }) }
}

export interface Announcement {
  event: OperationalName
  data: Record<string, unknown>
  correlationId: string
}

export type Announce = (
  trx: AnyTransaction,
  announcements: readonly Announcement[],
  timestampMs: number,
) => Promise<void>

/** Who named the event. */
export const listeners = (subscribers: Iterable<Subscriber>, event: string): Subscriber[] =>
  [...subscribers].filter(({ events }) => namesMatch(events, event))

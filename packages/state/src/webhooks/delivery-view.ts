import { DeliveryStatus, type Delivery, type DeliveryAttempt } from '@potok/contracts/webhook'
import type { ListedJob } from '@potok/core/queue'
import { createParser } from '@potok/core/validation'
import { DeliveryJob } from './delivery-job.ts'
import { parseAttempts } from './delivery-log.ts'
import { explainFinished, explainWaiting, UNSUBSCRIBED } from './explain.ts'
import type { WebhookDeliveriesTable } from './tables.ts'

const parseStatus = createParser(DeliveryStatus)
const parseJob = createParser(DeliveryJob)
const timestamp = (ms: number): string => new Date(ms).toISOString()

export const attemptsOf = (row: WebhookDeliveriesTable | undefined): DeliveryAttempt[] =>
  row === undefined ? [] : parseAttempts(JSON.parse(row.attempts))

/** What is to know about a subscription of which deliveries wait. */
export interface Circumstances {
  /** It was deleted: nothing more is sent. An attempt that is under way comes to its end, and is told when it does. */
  isGone: boolean
  disabledReason: string | null
  breakerOpen: boolean
}

/** A delivery that is in the queue. @param row what the log knows of earlier attempts */
export function waitingDelivery(
  job: ListedJob,
  row: WebhookDeliveriesTable | undefined,
  { isGone, disabledReason, breakerOpen }: Circumstances,
): Delivery {
  const payload = parseJob(JSON.parse(job.payload))
  const attempts = attemptsOf(row)
  const due = !isGone && (job.state === 'ready' || job.state === 'scheduled')
  return {
    id: job.id,
    subscriptionId: job.lane,
    eventId: payload.eventId,
    event: payload.event,
    ...(payload.entity === undefined ? {} : { entity: payload.entity }),
    ...(payload.entityId === undefined ? {} : { entityId: payload.entityId }),
    ...(payload.version === undefined ? {} : { version: payload.version }),
    status: isGone ? 'cancelled' : job.state === 'held' ? 'held' : 'pending',
    attempts,
    ...(due ? { nextAttemptAt: timestamp(job.dueAt) } : {}),
    createdAt: timestamp(payload.createdAt ?? job.enqueuedAt),
    explain: isGone ? UNSUBSCRIBED : explainWaiting({ job, attempts, disabledReason, breakerOpen }),
  }
}

/** A delivery that has left the queue. */
export function finishedDelivery(row: WebhookDeliveriesTable): Delivery {
  const attempts = attemptsOf(row)
  return {
    id: row.id,
    subscriptionId: row.subscription_id,
    eventId: row.event_id,
    event: row.event,
    ...(row.entity === null ? {} : { entity: row.entity }),
    ...(row.entity_id === null ? {} : { entityId: row.entity_id }),
    ...(row.version === null ? {} : { version: row.version }),
    status: parseStatus(row.status),
    attempts,
    createdAt: timestamp(row.created_at),
    finishedAt: timestamp(row.settled_at),
    explain: explainFinished(row.status, attempts, row.note),
  }
}

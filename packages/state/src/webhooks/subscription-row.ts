import type { Subscription, SubscriptionChange } from '@potok/contracts/webhook'
import { plannedDelays, subscriberOf, type DeliveryDefaults } from './subscriber.ts'
import type { WebhookSubscriptionsTable } from './tables.ts'

export type Row = WebhookSubscriptionsTable

/** The columns that callers set. */
export type Settings = Pick<
  Row,
  | 'url'
  | 'events'
  | 'description'
  | 'filter'
  | 'ordering'
  | 'max_retries'
  | 'retry_delays'
  | 'timeout_ms'
  | 'max_in_flight'
>

/** What is not said when a subscription is made. */
export const UNSAID: Omit<Settings, 'url' | 'events'> = {
  description: null,
  filter: null,
  ordering: 'none',
  max_retries: null,
  retry_delays: null,
  timeout_ms: null,
  max_in_flight: null,
}

const json = (value: unknown): string => JSON.stringify(value)

/** The columns that a body speaks of. */
export function settingsOf(given: SubscriptionChange): Partial<Settings> {
  const { url, events, description, filter, ordering } = given
  const { maxRetries, retryDelays, timeoutMs, maxInFlight } = given
  return {
    ...(url === undefined ? {} : { url }),
    ...(events === undefined ? {} : { events: json(events) }),
    ...(description === undefined ? {} : { description }),
    ...(filter === undefined ? {} : { filter: filter === null ? null : json(filter) }),
    ...(ordering === undefined ? {} : { ordering }),
    ...(maxRetries === undefined ? {} : { max_retries: maxRetries }),
    ...(retryDelays === undefined ? {} : { retry_delays: json(retryDelays) }),
    ...(timeoutMs === undefined ? {} : { timeout_ms: timeoutMs }),
    ...(maxInFlight === undefined ? {} : { max_in_flight: maxInFlight }),
  }
}

const timestamp = (ms: number): string => new Date(ms).toISOString()

/** A subscription as it is shown; its secret only in the answer that made it up. */
export function subscriptionOf(
  row: Row,
  defaults: DeliveryDefaults,
  backlog: Subscription['backlog'],
  secret?: string,
): Subscription {
  const { events, filter, ordering, maxRetries, retryDelays, timeoutMs, maxInFlight, active } =
    subscriberOf(row, defaults)
  return {
    id: row.id,
    url: row.url,
    events,
    ...(row.description === null ? {} : { description: row.description }),
    ...(filter === undefined ? {} : { filter }),
    ordering,
    maxRetries,
    retryDelays: plannedDelays({ retryDelays, maxRetries }, defaults),
    timeoutMs,
    maxInFlight,
    ...(row.external_id === null ? {} : { externalId: row.external_id }),
    ...(secret === undefined ? {} : { secret }),
    active,
    ...(row.disabled_reason === null ? {} : { disabledReason: row.disabled_reason }),
    consecutiveFailures: row.consecutive_failures,
    ...(row.last_delivery_at === null ? {} : { lastDeliveryAt: timestamp(row.last_delivery_at) }),
    ...(row.last_error === null ? {} : { lastError: row.last_error }),
    backlog,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    updatedAt: timestamp(row.updated_at),
  }
}

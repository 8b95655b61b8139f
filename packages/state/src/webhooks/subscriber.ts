import { Type } from '@sinclair/typebox'
import { Ordering, SubscribableEvent, WebhookFilter } from '@potok/contracts/webhook'
import { createParser } from '@potok/core/validation'
import { retryDelay } from './schedule.ts'
import type { SigningSecrets } from './signed-request.ts'
import type { WebhookSubscriptionsTable } from './tables.ts'

/** What a subscription follows that does not say otherwise. */
export interface DeliveryDefaults {
  /** WEBHOOK_DELIVERY_TIMEOUT, which no subscription may exceed. */
  timeoutMs: number
  /** WEBHOOK_MAX_RETRIES */
  maxRetries: number
  /** WEBHOOK_RETRY_DELAY */
  retryDelayMs: number
  maxInFlight: number
}

/** A URL as connections need it, taken apart once and not for each delivery. */
export interface Target {
  origin: string
  /** With its query. */
  path: string
}

/** A subscription as the dispatcher needs it, all settings resolved. */
export interface Subscriber {
  id: string
  target: Target
  events: SubscribableEvent[]
  filter: WebhookFilter | undefined
  ordering: Ordering
  maxRetries: number
  /** Undefined: doubled from the default. */
  retryDelays: number[] | undefined
  timeoutMs: number
  maxInFlight: number
  active: boolean
  /** Of its endpoint: see the table. */
  endpointVersion: number
  /** @param storeTime epoch ms by the store's clock: when the grace time of a rotation ends is its business */
  secrets: (storeTime: number) => SigningSecrets
}

const parseEvents = createParser(Type.Array(SubscribableEvent))
const parseFilter = createParser(WebhookFilter)
const parseDelays = createParser(Type.Array(Type.Integer()))
const parseOrdering = createParser(Ordering)

function targetOf(url: string): Target {
  const { origin, pathname, search } = new URL(url)
  return { origin, path: `${pathname}${search}` }
}

/** Reads a row. @throws ValueRefused the store holds what no release of ours has written */
export function subscriberOf(
  row: WebhookSubscriptionsTable,
  defaults: DeliveryDefaults,
): Subscriber {
  const { secret: current, previous_secret: previous, previous_secret_until: until } = row
  return {
    id: row.id,
    target: targetOf(row.url),
    events: parseEvents(JSON.parse(row.events)),
    filter: row.filter === null ? undefined : parseFilter(JSON.parse(row.filter)),
    ordering: parseOrdering(row.ordering),
    maxRetries: row.max_retries ?? defaults.maxRetries,
    retryDelays: row.retry_delays === null ? undefined : parseDelays(JSON.parse(row.retry_delays)),
    timeoutMs: Math.min(row.timeout_ms ?? defaults.timeoutMs, defaults.timeoutMs),
    maxInFlight: row.max_in_flight ?? defaults.maxInFlight,
    active: row.active === 1,
    endpointVersion: row.endpoint_version,
    secrets: (storeTime) =>
      previous === null || until === null || until <= storeTime
        ? { current }
        : { current, previous },
  }
}

/** The delays before its retries, spelled out. */
export const plannedDelays = (
  { retryDelays, maxRetries }: Pick<Subscriber, 'retryDelays' | 'maxRetries'>,
  { retryDelayMs: baseDelayMs }: DeliveryDefaults,
): number[] =>
  Array.from({ length: maxRetries }, (_, retry) => retryDelay({ retryDelays, baseDelayMs }, retry))

/** A subscription. Null settings follow the configuration. */
export interface WebhookSubscriptionsTable {
  id: string
  url: string
  /** JSON array of names. */
  events: string
  description: string | null
  /** JSON of the filter. */
  filter: string | null
  ordering: string
  max_retries: number | null
  /** JSON array of milliseconds. */
  retry_delays: string | null
  timeout_ms: number | null
  max_in_flight: number | null
  external_id: string | null
  created_by: string
  /** Needed to sign, therefore stored as it is; never shown after the answer that made it. */
  secret: string
  /** The secret before the last rotation, until `previous_secret_until` (epoch ms). */
  previous_secret: string | null
  previous_secret_until: number | null
  /** 0 or 1. */
  active: number
  disabled_reason: string | null
  consecutive_failures: number
  /** Start of the failure that was counted last, epoch ms. */
  counted_failure_at: number | null
  last_delivery_at: number | null
  last_error: string | null
  /** 1 from a re-activation until the first success after it. */
  recovering: number
  /** Grows when the endpoint is another one or gets a new chance: what attempts of before come to says nothing of it. */
  endpoint_version: number
  created_at: number
  updated_at: number
}

/** The one row by which a process knows that its copy of the subscriptions is the current one. */
export interface WebhookRegistryTable {
  /** Always 1. */
  id: number
  version: number
}

/** The log: deliveries that were tried or are finished. What was never tried is only in the queue. */
export interface WebhookDeliveriesTable {
  id: string
  subscription_id: string
  event_id: string
  event: string
  entity: string | null
  entity_id: string | null
  version: number | null
  /** Of the last settlement; a delivery that is in the queue again is pending or held whatever this says. */
  status: string
  /** JSON array of attempts. */
  attempts: string
  /** Why it is where it is, when status and attempts do not say it. */
  note: string | null
  /** The event's JSON, kept until the delivery succeeded, so that a replay needs nothing else. */
  body: string | null
  created_at: number
  /** Epoch ms of the last settlement. */
  settled_at: number
}

export interface WebhookTables {
  webhook_subscriptions: WebhookSubscriptionsTable
  webhook_registry: WebhookRegistryTable
  webhook_deliveries: WebhookDeliveriesTable
}

import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'
import { EntityEvent } from '@potok/contracts/event'
import { Timestamp } from '@potok/contracts/identifiers'

/** What the state service tells of webhooks themselves: of a subscription that it gave up, or that works again. */
export const WEBHOOK_EVENTS = ['webhook.disabled', 'webhook.recovered'] as const

export const WebhookEvent = Type.Object({
  id: Type.String({ minLength: 1 }),
  timestamp: Timestamp,
  event: closedSet(WEBHOOK_EVENTS),
  data: Type.Object({
    subscriptionId: Type.String(),
    url: Type.String(),
    reason: Type.Optional(Type.String()),
  }),
})
export type WebhookEvent = Static<typeof WebhookEvent>

/** Somebody asked the state service to try our subscription. */
export const Ping = Type.Object({ event: Type.Literal('webhook.ping') })

export const Delivery = Type.Union([EntityEvent, WebhookEvent, Ping])
export type Delivery = Static<typeof Delivery>

/** Is it about a webhook, not about an entity? */
export const isWebhookEvent = (delivery: Delivery): delivery is WebhookEvent =>
  WEBHOOK_EVENTS.some((event) => event === delivery.event)

import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from './closed-set.ts'
import { EntityId, EntityType, Status, Timestamp } from './identifiers.ts'
import { Metadata } from './state.ts'

export const SUBSCRIBABLE_EVENTS = [
  'entity.created',
  'entity.updated',
  'entity.deleted',
  'entity.*',
  'custom.event',
  '*',
  'webhook.disabled',
  'webhook.recovered',
  'webhook.exhausted',
  'webhook.ping',
  'webhook.*',
] as const
export const SubscribableEvent = closedSet(SUBSCRIBABLE_EVENTS)
export type SubscribableEvent = Static<typeof SubscribableEvent>

export const Ordering = closedSet(['none', 'entity', 'latest'], {
  description:
    'none: no order; entity: first in, first out per entity; latest: under backlog only the newest version of an entity',
})
export type Ordering = Static<typeof Ordering>

/** Which events a subscription wants, beside their names. All members given must match. */
export const WebhookFilter = Type.Object(
  {
    entity: Type.Optional(Type.Array(EntityType, { minItems: 1, maxItems: 32 })),
    id: Type.Optional(Type.Array(EntityId, { minItems: 1, maxItems: 256 })),
    statusFrom: Type.Optional(Type.Array(Status, { minItems: 1, maxItems: 64 })),
    statusTo: Type.Optional(Type.Array(Status, { minItems: 1, maxItems: 64 })),
    metadata: Type.Optional(Metadata),
  },
  { additionalProperties: false },
)
export type WebhookFilter = Static<typeof WebhookFilter>

const settings = {
  url: Type.String({ minLength: 1, maxLength: 2048, examples: ['https://your-app.com/webhook'] }),
  events: Type.Array(SubscribableEvent, {
    minItems: 1,
    maxItems: 16,
    uniqueItems: true,
    examples: [['entity.created', 'entity.updated']],
  }),
  description: Type.Optional(Type.String({ maxLength: 500 })),
  filter: Type.Optional(WebhookFilter),
  ordering: Type.Optional(Ordering),
  maxRetries: Type.Optional(Type.Integer({ minimum: 0, maximum: 50 })),
  retryDelays: Type.Optional(
    Type.Array(Type.Integer({ minimum: 0, maximum: 86_400_000 }), {
      minItems: 1,
      maxItems: 50,
      description: 'Milliseconds before each retry; the last one repeats up to maxRetries',
    }),
  ),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 60_000 })),
  maxInFlight: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
}

/** 8 to 256 printable characters; the README's signature uses their UTF-8 bytes as the key. */
export const WebhookSecret = Type.String({ minLength: 8, maxLength: 256 })

/** Body of `POST /webhooks/subscriptions`. */
export const SubscriptionCreate = Type.Object(
  {
    ...settings,
    secret: Type.Optional(WebhookSecret),
    externalId: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$',
        description: 'Makes the call idempotent',
      }),
    ),
  },
  { additionalProperties: false },
)
export type SubscriptionCreate = Static<typeof SubscriptionCreate>

/** Body of `PATCH /webhooks/subscriptions/:id`. `active: true` re-activates. */
export const SubscriptionChange = Type.Partial(
  Type.Object({
    ...settings,
    filter: Type.Union([WebhookFilter, Type.Null()]),
    active: Type.Boolean(),
  }),
  { additionalProperties: false, minProperties: 1 },
)
export type SubscriptionChange = Static<typeof SubscriptionChange>

/** A subscription as it is shown. The secret is only there in the answer that created it. */
export const Subscription = Type.Object(
  {
    id: Type.String(),
    url: settings.url,
    events: Type.Array(SubscribableEvent),
    description: settings.description,
    filter: settings.filter,
    ordering: Ordering,
    maxRetries: Type.Integer(),
    retryDelays: Type.Array(Type.Integer()),
    timeoutMs: Type.Integer(),
    maxInFlight: Type.Integer(),
    externalId: Type.Optional(Type.String()),
    secret: Type.Optional(Type.String()),
    active: Type.Boolean(),
    disabledReason: Type.Optional(Type.String()),
    consecutiveFailures: Type.Integer({ minimum: 0 }),
    lastDeliveryAt: Type.Optional(Timestamp),
    lastError: Type.Optional(Type.String()),
    backlog: Type.Object({ pending: Type.Integer(), held: Type.Integer(), dead: Type.Integer() }),
    createdAt: Timestamp,
    createdBy: Type.String(),
    updatedAt: Timestamp,
  },
  { title: 'Subscription' },
)
export type Subscription = Static<typeof Subscription>

export const DeliveryStatus = closedSet([
  'pending',
  'delivered',
  'dead',
  'held',
  'cancelled',
  'skipped',
])
export type DeliveryStatus = Static<typeof DeliveryStatus>

/** One attempt at a delivery. */
export const DeliveryAttempt = Type.Object({
  attempt: Type.Integer({ minimum: 1 }),
  startedAt: Timestamp,
  durationMs: Type.Number(),
  responseStatus: Type.Optional(Type.Integer()),
  responseBody: Type.Optional(Type.String({ description: 'The first 4 kB' })),
  error: Type.Optional(Type.String()),
})
export type DeliveryAttempt = Static<typeof DeliveryAttempt>

/** A delivery with everything that happened to it; `explain` says why it is where it is. */
export const Delivery = Type.Object(
  {
    id: Type.String(),
    subscriptionId: Type.String(),
    eventId: Type.String(),
    event: Type.String(),
    entity: Type.Optional(EntityType),
    entityId: Type.Optional(EntityId),
    version: Type.Optional(Type.Integer()),
    status: DeliveryStatus,
    attempts: Type.Array(DeliveryAttempt),
    nextAttemptAt: Type.Optional(Timestamp),
    createdAt: Timestamp,
    finishedAt: Type.Optional(Timestamp),
    explain: Type.String(),
  },
  { title: 'Delivery' },
)
export type Delivery = Static<typeof Delivery>

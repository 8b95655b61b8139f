import { Type } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'
import { Timestamp } from '@potok/contracts/identifiers'
import { pageOf } from '@potok/contracts/state'
import {
  Delivery,
  DeliveryStatus,
  Subscription,
  SubscriptionCreate,
  WebhookSecret,
} from '@potok/contracts/webhook'
import { IdempotencyKey } from '../idempotency/schemas.ts'
import { DRY_RUN_EVENTS } from './dry-run.ts'
import { REPLAY_LIMIT } from './replay.ts'

const SubscriptionId = Type.String({
  pattern: '^[A-Za-z0-9_]{1,64}$',
  examples: ['sub_4f1f0c2a9b7d4e51a2c3d4e5'],
})
const DeliveryId = Type.String({
  pattern: '^[A-Za-z0-9_]{1,64}$',
  examples: ['dlv_9b7d4e51a2c3d4e54f1f0c2a'],
})

export const SubscriptionParams = Type.Object({ id: SubscriptionId })
export const DeliveryParams = Type.Object({ id: DeliveryId })

/** The README's example, which works when pasted. */
export const SubscriptionBody = Type.Unsafe<(typeof SubscriptionCreate)['static']>({
  ...SubscriptionCreate,
  examples: [
    {
      url: 'https://your-app.com/webhook',
      events: ['entity.created', 'entity.updated'],
      secret: 'your-webhook-secret',
      description: 'Task status updates',
    },
  ],
})

export const CreateQuery = Type.Object(
  {
    dryRun: Type.Optional(
      Type.Boolean({
        description:
          'true: nothing is made; the answer says how many of the newest events would have matched',
      }),
    ),
  },
  { additionalProperties: false },
)

/** Of the newest events of the log, how many a subscription would have got. */
const DryRun = Type.Object(
  {
    matching: Type.Integer({ minimum: 0 }),
    examined: Type.Integer({
      minimum: 0,
      maximum: DRY_RUN_EVENTS,
      description: 'Events looked at',
    }),
  },
  { title: 'SubscriptionDryRun' },
)

/** Stored with the change as JSON text when the request carries an `Idempotency-Key`. */
type JsonText = string
export const SubscriptionText = Type.Unsafe<JsonText>(Subscription)
export const CreateAnswer = Type.Unsafe<JsonText>(Type.Union([Subscription, DryRun]))

export const KeyHeaders = Type.Object({ 'idempotency-key': IdempotencyKey })

const ListQuery = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 500, default: 100 }),
    cursor: Type.Optional(
      Type.String({ maxLength: 256, description: '`nextCursor` of the page before' }),
    ),
  },
  { additionalProperties: false },
)
/** They are listed in the order of their ids. */
export const SubscriptionQuery = Type.Object(
  {
    ...ListQuery.properties,
    cursor: Type.Optional(
      Type.Unsafe<string>({ ...SubscriptionId, description: '`nextCursor` of the page before' }),
    ),
  },
  { additionalProperties: false },
)
export const SubscriptionPage = Type.Object(
  { items: Type.Array(Subscription), nextCursor: Type.Optional(Type.String()) },
  { title: 'SubscriptionPage' },
)

export const DeliveryQuery = Type.Object(
  { ...ListQuery.properties, status: Type.Optional(DeliveryStatus) },
  { additionalProperties: false },
)
export const DeliveryPage = Type.Unsafe<ReturnType<typeof deliveryPage>['static']>({
  ...deliveryPage(),
  title: 'DeliveryPage',
})
function deliveryPage() {
  return pageOf(Delivery)
}

export const RotateBody = Type.Object(
  {
    secret: Type.Optional(WebhookSecret),
    graceSeconds: Type.Integer({
      minimum: 0,
      maximum: 604_800,
      default: 86_400,
      description: 'How long both secrets sign; 0: the old one ends at once',
    }),
  },
  { additionalProperties: false, examples: [{ graceSeconds: 86_400 }] },
)

export const ReplayBody = Type.Object(
  {
    from: Timestamp,
    to: Type.Optional(Timestamp),
    status: closedSet(['dead', 'delivered', 'skipped', 'cancelled', 'pending'], {
      default: 'dead',
      description:
        'pending: what waits for its next attempt gets it now. Held ones go out by themselves when the subscription is active again',
    }),
  },
  {
    additionalProperties: false,
    examples: [{ from: '2025-11-10T10:00:00.000Z', status: 'dead' }],
  },
)

export const ReplayAnswer = Type.Object(
  {
    replayed: Type.Integer({ minimum: 0 }),
    more: Type.Boolean({ description: `One call puts back at most ${REPLAY_LIMIT}; call again` }),
  },
  { title: 'Replay' },
)

export const PingAnswer = Type.Object(
  {
    delivered: Type.Boolean(),
    durationMs: Type.Number(),
    responseStatus: Type.Optional(Type.Integer()),
    responseBody: Type.Optional(Type.String({ description: 'The first 4 kB' })),
    error: Type.Optional(Type.String()),
  },
  { title: 'PingResult' },
)

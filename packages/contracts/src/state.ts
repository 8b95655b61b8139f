import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from './closed-set.ts'
import { Actor, EntityId, EntityType, Status, Timestamp } from './identifiers.ts'

/** Free JSON object that travels with a state. */
export const Metadata = Type.Record(Type.String(), Type.Unknown(), {
  description: 'Free JSON object',
  examples: [{ assignee: 'user_789', priority: 'high' }],
})
export type Metadata = Static<typeof Metadata>

export const Reason = Type.String({
  minLength: 1,
  maxLength: 1000,
  description: 'Why, for the history',
})
export const TtlSeconds = Type.Integer({
  minimum: 1,
  maximum: 31_536_000,
  description: 'Seconds until the status expires; only for statuses that have an expiry rule',
})

/** The current state of one entity. `version` starts at 1 and grows by 1 per change, without gaps. */
export const State = Type.Object(
  {
    entity: EntityType,
    entityId: EntityId,
    status: Status,
    version: Type.Integer({ minimum: 1 }),
    metadata: Metadata,
    createdAt: Timestamp,
    createdBy: Actor,
    updatedAt: Timestamp,
    updatedBy: Actor,
    expiresAt: Type.Optional(Timestamp),
    reason: Type.Optional(Type.String()),
  },
  { title: 'State' },
)
export type State = Static<typeof State>

const change = {
  status: Type.Optional(Status),
  metadata: Type.Optional(Metadata),
  reason: Type.Optional(Reason),
  ttlSeconds: Type.Optional(TtlSeconds),
}

/** Body of `PUT` and `PATCH /states/:entity/:id`. */
export const StateChange = Type.Object(change, {
  additionalProperties: false,
  minProperties: 1,
  examples: [{ status: 'completed', reason: 'Отчёт отправлен' }],
})
export type StateChange = Static<typeof StateChange>

/** Body of `POST /states/:entity`: creates, or changes what exists. */
export const StateUpsert = Type.Object(
  { entityId: EntityId, ...change },
  {
    additionalProperties: false,
    examples: [
      {
        entityId: 'task_123',
        status: 'in_progress',
        metadata: { assignee: 'user_789', priority: 'high' },
      },
    ],
  },
)
export type StateUpsert = Static<typeof StateUpsert>

export const EVENT_NAMES = ['entity.created', 'entity.updated', 'entity.deleted'] as const
export const EntityEventName = closedSet(EVENT_NAMES)
export type EntityEventName = Static<typeof EntityEventName>

/** One row of an entity's history. */
export const HistoryEntry = Type.Object(
  {
    version: Type.Integer({ minimum: 1 }),
    event: EntityEventName,
    previousStatus: Type.Union([Status, Type.Null()]),
    newStatus: Type.Union([Status, Type.Null()]),
    metadata: Metadata,
    actor: Actor,
    reason: Type.Optional(Type.String()),
    correlationId: Type.String(),
    machineVersion: Type.Integer({ minimum: 1 }),
    timestamp: Timestamp,
  },
  { title: 'HistoryEntry' },
)
export type HistoryEntry = Static<typeof HistoryEntry>

/** A page of anything. */
export function pageOf<T extends Parameters<typeof Type.Array>[0]>(item: T) {
  return Type.Object({
    items: Type.Array(item),
    nextCursor: Type.Optional(Type.String()),
    total: Type.Optional(Type.Integer({ minimum: 0 })),
  })
}
export interface Page<T> {
  items: T[]
  nextCursor?: string
  total?: number
}

/** What may follow the current status, and why the rest may not. */
export const Transitions = Type.Object({
  status: Status,
  version: Type.Integer({ minimum: 1 }),
  allowed: Type.Array(Status),
  refused: Type.Array(Type.Object({ status: Status, reason: Type.String() })),
})
export type Transitions = Static<typeof Transitions>

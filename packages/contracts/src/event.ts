import { Type, type Static } from '@sinclair/typebox'
import { Actor, Cursor, EntityId, EntityType, Status, Timestamp } from './identifiers.ts'
import { EntityEventName, Metadata } from './state.ts'

/** `data` of an entity event. `previousStatus` is null on creation, `newStatus` null on deletion. */
export const EntityEventData = Type.Object({
  entity: EntityType,
  id: EntityId,
  previousStatus: Type.Union([Status, Type.Null()]),
  newStatus: Type.Union([Status, Type.Null()]),
  metadata: Metadata,
  version: Type.Integer({ minimum: 1 }),
  actor: Actor,
  reason: Type.Union([Type.String(), Type.Null()]),
  correlationId: Type.String(),
})
export type EntityEventData = Static<typeof EntityEventData>

/** `data` of a `custom.event`. */
export const CustomEventData = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 128 }),
  entity: Type.Optional(EntityType),
  id: Type.Optional(EntityId),
  data: Type.Unknown(),
})
export type CustomEventData = Static<typeof CustomEventData>

const header = { id: Type.String(), timestamp: Timestamp }

/** What happened to an entity, as webhooks, the event log and the stream carry it. */
export const EntityEvent = Type.Object({ ...header, event: EntityEventName, data: EntityEventData })
export type EntityEvent = Static<typeof EntityEvent>

export const CustomEvent = Type.Object({
  ...header,
  event: Type.Literal('custom.event'),
  data: CustomEventData,
})
export type CustomEvent = Static<typeof CustomEvent>

export const PotokEvent = Type.Union([EntityEvent, CustomEvent])
export type PotokEvent = Static<typeof PotokEvent>

/** An item of the event log: the event and its position. The stream's `id:` is the same cursor. */
export const EventLogItem = Type.Union(
  [
    Type.Object({ cursor: Cursor, ...EntityEvent.properties }),
    Type.Object({ cursor: Cursor, ...CustomEvent.properties }),
  ],
  { title: 'EventLogItem' },
)
export type EventLogItem = Static<typeof EventLogItem>

/** Data of the stream event `reset`: the cursor cannot be continued, reload and go on from `cursor`. */
export const StreamReset = Type.Object({
  reason: Type.String({ examples: ['foreign_epoch', 'ahead_of_head', 'past_retention'] }),
  cursor: Cursor,
})
export type StreamReset = Static<typeof StreamReset>

/** Body of `POST /events`. */
export const PublishEvent = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' }),
    entity: Type.Optional(EntityType),
    id: Type.Optional(EntityId),
    data: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false },
)
export type PublishEvent = Static<typeof PublishEvent>

import { Actor, EntityId, EntityType, Status, Timestamp } from '@potok/contracts/identifiers'
import { MachineDefinition } from '@potok/contracts/machine'
import { EntityEventName, Metadata, TtlSeconds } from '@potok/contracts/state'
import { Type, type Static, type TSchema } from '@sinclair/typebox'

/** What an export is called in its first line, and the version of what follows. */
export const FORMAT = 'potok-states'
export const FORMAT_VERSION = 1

const Version = Type.Integer({ minimum: 1, maximum: 2_147_483_647 })
const Count = Type.Integer({ minimum: 0 })
const Text = Type.String({ maxLength: 1000 })
const line = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Object(properties, { additionalProperties: false })

export const HeaderLine = line({
  type: Type.Literal('header'),
  format: Type.Literal(FORMAT),
  version: Type.Literal(FORMAT_VERSION),
  exportedAt: Timestamp,
})

/** One version of the rules of an entity type of the users' own. */
export const MachineLine = line({
  type: Type.Literal('machine'),
  entity: EntityType,
  version: Version,
  definition: MachineDefinition,
  createdAt: Timestamp,
  createdBy: Actor,
})
export type MachineLine = Static<typeof MachineLine>

/** The newest version of an entity, a deleted one too. Its history follows. */
export const StateLine = line({
  type: Type.Literal('state'),
  entity: EntityType,
  entityId: EntityId,
  status: Status,
  version: Version,
  metadata: Metadata,
  createdAt: Timestamp,
  createdBy: Actor,
  updatedAt: Timestamp,
  updatedBy: Actor,
  expiresAt: Type.Optional(Timestamp),
  ttlSeconds: Type.Optional(TtlSeconds),
  reason: Type.Optional(Text),
  machineVersion: Version,
  deletedAt: Type.Optional(Timestamp),
})
export type StateLine = Static<typeof StateLine>

/** One version of the entity of the state line before it, the first version first. */
export const HistoryLine = line({
  type: Type.Literal('history'),
  entity: EntityType,
  entityId: EntityId,
  version: Version,
  event: EntityEventName,
  previousStatus: Type.Union([Status, Type.Null()]),
  newStatus: Type.Union([Status, Type.Null()]),
  metadata: Metadata,
  actor: Actor,
  reason: Type.Optional(Text),
  correlationId: Type.String({ maxLength: 128, pattern: '^[A-Za-z0-9._-]+$' }),
  machineVersion: Version,
  timestamp: Timestamp,
  createdAt: Timestamp,
  createdBy: Actor,
  expiresAt: Type.Optional(Timestamp),
})
export type HistoryLine = Static<typeof HistoryLine>

/** The last line: without it something is missing. */
export const EndLine = line({
  type: Type.Literal('end'),
  machines: Count,
  states: Count,
  history: Count,
})
export type EndLine = Static<typeof EndLine>

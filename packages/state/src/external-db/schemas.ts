import { closedSet } from '@potok/contracts/closed-set'
import { EntityId, EntityType, Timestamp } from '@potok/contracts/identifiers'
import { Problem } from '@potok/contracts/problem'
import { Type } from '@sinclair/typebox'

const tags = ['external-db']
const refusals = { '4xx': Problem, 503: Problem }
/** Parked entities that one call sends again. */
export const REPLAY_LIMIT = 1000

const ParkedEntity = Type.Object({
  entity: EntityType,
  entityId: EntityId,
  version: Type.Integer({ minimum: 0, description: 'The version that was refused; 0: unknown' }),
  status: Type.Integer({ description: 'HTTP status of the refusal; 0: it was given up unasked' }),
  detail: Type.String({ description: 'What the external DB said' }),
  parkedAt: Timestamp,
})

export const overviewSchema = {
  tags,
  summary: 'What waits for the external DB, and what it refused',
  querystring: Type.Object(
    { limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }) },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      status: closedSet(['up', 'away'], { description: 'As far as the last exchange told' }),
      backlog: Type.Integer({ minimum: 0, description: 'Entities whose newest version waits' }),
      oldestMs: Type.Integer({ minimum: 0, description: 'How long the first of them has waited' }),
      parked: Type.Object({
        total: Type.Integer({ minimum: 0 }),
        items: Type.Array(ParkedEntity, { description: 'The longest parked first' }),
      }),
    }),
    ...refusals,
  },
}

export const replaySchema = {
  tags,
  summary: 'Send parked entities again',
  description: `The newest version of each, at most ${REPLAY_LIMIT} a call, the longest parked first.`,
  body: Type.Object(
    { entity: Type.Optional(EntityType), entityId: Type.Optional(EntityId) },
    {
      additionalProperties: false,
      description: 'Only these; nothing: all',
      examples: [{}, { entity: 'task', entityId: 'task_123' }],
    },
  ),
  response: {
    202: Type.Object({ replayed: Type.Integer({ minimum: 0 }) }),
    ...refusals,
  },
}

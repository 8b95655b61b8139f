import { closedSet } from '@potok/contracts/closed-set'
import { EntityId, EntityType, Status } from '@potok/contracts/identifiers'
import { Problem } from '@potok/contracts/problem'
import { Metadata, Reason, State, TtlSeconds } from '@potok/contracts/state'
import { Type } from '@sinclair/typebox'

const Operation = Type.Object(
  {
    op: closedSet(['create', 'upsert', 'update', 'patch', 'delete'], {
      description: 'create: only when absent; update, patch, delete: only when present',
    }),
    entity: EntityType,
    entityId: EntityId,
    status: Type.Optional(Status),
    metadata: Type.Optional(Metadata),
    reason: Type.Optional(Reason),
    ttlSeconds: Type.Optional(TtlSeconds),
    ifVersion: Type.Optional(Type.Integer({ minimum: 1, description: 'Like If-Match' })),
  },
  { additionalProperties: false },
)

export const BatchBody = Type.Object(
  {
    mode: closedSet(['atomic', 'partial'], {
      description: 'atomic: all or none; partial: each for itself',
    }),
    operations: Type.Array(Operation, { minItems: 1, maxItems: 1000 }),
  },
  {
    additionalProperties: false,
    examples: [
      {
        mode: 'partial',
        operations: [
          { op: 'upsert', entity: 'task', entityId: 'task_124', metadata: { priority: 'low' } },
          { op: 'patch', entity: 'task', entityId: 'task_123', metadata: { priority: 'urgent' } },
        ],
      },
    ],
  },
)

export const BatchAnswer = Type.Object(
  {
    results: Type.Array(
      Type.Object({
        index: Type.Integer({ minimum: 0 }),
        status: Type.Integer({ description: 'What the operation alone would have answered' }),
        state: Type.Optional(State),
        problem: Type.Optional(Problem),
      }),
    ),
    succeeded: Type.Integer({ minimum: 0 }),
    failed: Type.Integer({ minimum: 0 }),
  },
  { title: 'BatchAnswer' },
)

import { closedSet } from '@potok/contracts/closed-set'
import { EntityId, EntityType, Status } from '@potok/contracts/identifiers'
import { Problem } from '@potok/contracts/problem'
import { HistoryEntry, Metadata, pageOf, Reason, State, TtlSeconds } from '@potok/contracts/state'
import { ENTITY_TAGS } from '@potok/core/lib/precondition'
import { Type } from '@sinclair/typebox'
import { IdempotencyKey } from '../idempotency/schemas.ts'
import { SORT_FIELDS } from './query.ts'

export const EntityParams = Type.Object({ entity: EntityType })
export const StateParams = Type.Object({ entity: EntityType, id: EntityId })

const tags = (description: string) =>
  Type.Optional(Type.String({ pattern: ENTITY_TAGS, description }))

export const ReadHeaders = Type.Object({
  'if-none-match': tags('304 when the state still has one of these versions, such as `"3"`'),
})

export const WriteHeaders = Type.Object({
  'idempotency-key': IdempotencyKey,
  'if-match': tags('412 unless the state has one of these versions, such as `"3"`'),
  'if-none-match': tags('`*`: only create; 412 when it exists'),
})

export const KeyHeaders = Type.Object({ 'idempotency-key': IdempotencyKey })

export const OneQuery = Type.Object(
  {
    at: Type.Optional(Type.String({ format: 'date-time', description: 'As it was at this time' })),
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'As it was in this version' })),
  },
  { additionalProperties: false },
)

export const DeleteQuery = Type.Object(
  { reason: Type.Optional(Reason) },
  { additionalProperties: false },
)

export const HistoryPageQuery = Type.Object(
  {
    order: closedSet(['asc', 'desc'], { default: 'desc', description: 'desc: the newest first' }),
    limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }),
    cursor: Type.Optional(
      Type.String({ pattern: '^[0-9]{1,10}$', description: '`nextCursor` of the page before' }),
    ),
  },
  { additionalProperties: false },
)

export const HistoryPage = pageOf(HistoryEntry)

const SORTS = SORT_FIELDS.flatMap((field) => [`-${field}`, field])

const options = {
  sort: Type.Optional(
    Type.Unsafe<string>({
      type: 'string',
      enum: SORTS,
      default: '-updatedAt',
      description: 'Field of the order; `-`: descending',
    }),
  ),
  limit: Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'States of a page' }),
  cursor: Type.Optional(
    Type.String({ maxLength: 1000, description: '`nextCursor` of the page before' }),
  ),
  count: Type.Boolean({
    default: false,
    description: 'Also tell `total`; 10000 stands for 10000 or more',
  }),
  groupBy: Type.Optional(
    Type.String({
      maxLength: 400,
      description: '`status` or `metadata.<path>`: counts by value instead of states',
    }),
  ),
}

const time = (description: string) =>
  Type.Optional(Type.String({ format: 'date-time', description }))

/** The URL form. Every `metadata.<path>` is a member of its own. */
export const ListQuery = Type.Object(
  {
    status: Type.Optional(
      Type.String({
        pattern: '^[a-z][a-z0-9_]{0,62}(,[a-z][a-z0-9_]{0,62}){0,15}$',
        description: 'One of these statuses, comma separated',
        examples: ['created,pending'],
      }),
    ),
    createdBy: Type.Optional(Type.String({ maxLength: 140 })),
    updatedAfter: time('Changed later than this'),
    updatedBefore: time('Changed earlier than this'),
    createdAfter: time('Created later than this'),
    createdBefore: time('Created earlier than this'),
    ...options,
  },
  {
    additionalProperties: false,
    patternProperties: { '^metadata\\..{1,400}$': { type: 'string', maxLength: 1000 } },
  },
)

export const QueryBody = Type.Object(
  {
    entity: EntityType,
    where: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          'Fields (`status`, `entityId`, `version`, `createdAt`, `createdBy`, `updatedAt`, `updatedBy`, `expiresAt`, ' +
          '`metadata.<path>`) with a value or with operators `eq, ne, in, gt, gte, lt, lte, exists, startsWith`; ' +
          '`and`, `or` (lists) and `not`. Members of one object are and-ed.',
      }),
    ),
    ...options,
  },
  {
    additionalProperties: false,
    examples: [
      {
        entity: 'task',
        where: {
          status: { in: ['created', 'pending'] },
          or: [{ 'metadata.priority': 'high' }, { 'metadata.dueAt': { lt: '2026-01-01' } }],
          not: { 'metadata.assignee': { exists: false } },
        },
        sort: '-updatedAt',
        limit: 20,
      },
    ],
  },
)

const Group = Type.Object(
  {
    value: Type.Union([Type.String(), Type.Null()]),
    count: Type.Integer({ minimum: 1 }),
  },
  { title: 'Group', description: 'With `groupBy`: how many states have the value' },
)

export const StatePage = Type.Object(
  {
    items: Type.Array(Type.Union([State, Group])),
    nextCursor: Type.Optional(Type.String()),
    total: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { title: 'StatePage' },
)

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

/** `POST …/heartbeat` needs no body. */
export const HeartbeatBody = Type.Union([
  Type.Object(
    { ttlSeconds: Type.Optional(TtlSeconds) },
    { additionalProperties: false, examples: [{ ttlSeconds: 90 }] },
  ),
  Type.Null(),
])

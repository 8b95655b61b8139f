import { EntityType } from '@potok/contracts/identifiers'
import { State } from '@potok/contracts/state'
import { Type } from '@sinclair/typebox'
import { SORT_FIELDS } from './query.ts'

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
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'States of a page' }),
  ),
  cursor: Type.Optional(
    Type.String({ maxLength: 1000, description: '`nextCursor` of the page before' }),
  ),
  count: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'Also tell `total`; 10000 stands for 10000 or more',
    }),
  ),
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

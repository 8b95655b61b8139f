import { closedSet } from '@potok/contracts/closed-set'
import { EntityId, EntityType } from '@potok/contracts/identifiers'
import { Problem } from '@potok/contracts/problem'
import {
  HistoryEntry,
  pageOf,
  Reason,
  State,
  StateChange,
  StateUpsert,
  Transitions,
  TtlSeconds,
} from '@potok/contracts/state'
import { ENTITY_TAGS } from '@potok/core/lib/precondition'
import { withExamples } from '@potok/contracts/with-examples'
import { Type } from '@sinclair/typebox'
import { IdempotencyKey } from '../idempotency/schemas.ts'
import { BatchAnswer, BatchBody } from './batch-schemas.ts'
import { ListQuery, QueryBody, StatePage } from './query-schemas.ts'

const EntityParams = Type.Object({ entity: EntityType })
const StateParams = Type.Object({ entity: EntityType, id: EntityId })
/** Of the types that come with the product only persons expire. */
const PresenceParams = Type.Object({
  entity: withExamples(EntityType, ['user']),
  id: withExamples(EntityId, ['user_789']),
})

const entityTags = (description: string) =>
  Type.Optional(Type.String({ pattern: ENTITY_TAGS, description }))

const CacheControl = (description: string) =>
  Type.Optional(Type.String({ maxLength: 256, description }))

const ReadHeaders = Type.Object({
  'cache-control': CacheControl('`no-cache`: from the store, whatever is cached'),
  'if-none-match': entityTags('304 when the state still has one of these versions, such as `"3"`'),
})

const ListHeaders = Type.Object({
  'cache-control': CacheControl(
    '`max-age=<seconds>`: a kept list that is not older will do, the answer says by `x-cache` what it is; ' +
      'without it lists see every acknowledged write',
  ),
})

const WriteHeaders = Type.Object({
  'idempotency-key': IdempotencyKey,
  'if-match': entityTags('412 unless the state has one of these versions, such as `"3"`'),
  'if-none-match': entityTags('`*`: only create; 412 when it exists'),
})

const KeyHeaders = Type.Object({ 'idempotency-key': IdempotencyKey })

const OneQuery = Type.Object(
  {
    at: Type.Optional(Type.String({ format: 'date-time', description: 'As it was at this time' })),
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'As it was in this version' })),
  },
  { additionalProperties: false },
)

const DeleteQuery = Type.Object({ reason: Type.Optional(Reason) }, { additionalProperties: false })

const HistoryPageQuery = Type.Object(
  {
    order: Type.Optional(
      closedSet(['asc', 'desc'], { default: 'desc', description: 'desc: the newest first' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
    cursor: Type.Optional(
      Type.String({ pattern: '^[0-9]{1,10}$', description: '`nextCursor` of the page before' }),
    ),
  },
  { additionalProperties: false },
)

const HistoryPage = pageOf(HistoryEntry)

/** `POST …/heartbeat` needs no body. */
const HeartbeatBody = Type.Union([
  Type.Object(
    { ttlSeconds: Type.Optional(TtlSeconds) },
    { additionalProperties: false, examples: [{ ttlSeconds: 90 }] },
  ),
  Type.Null(),
])

const tags = ['states']
const refusals = { '4xx': Problem, 503: Problem }

export const listSchema = {
  tags,
  summary: 'The states of an entity type',
  description: 'Besides the parameters listed, `metadata.<path>=value` selects by metadata.',
  params: EntityParams,
  querystring: ListQuery,
  headers: ListHeaders,
  response: { 200: StatePage, ...refusals },
}

export const querySchema = {
  tags,
  summary: 'The query language as a JSON body',
  body: QueryBody,
  response: { 200: StatePage, ...refusals },
}

export const oneSchema = {
  tags,
  summary: 'One state, as it is or as it was',
  description:
    'As it is: `x-cache` says who answered, `local`, `global` or (`miss`) the store. Conditional requests ask the store.',
  params: StateParams,
  querystring: OneQuery,
  headers: ReadHeaders,
  response: { 200: State, 304: Type.Null({ description: 'Not modified' }), ...refusals },
}

export const historySchema = {
  tags,
  summary: 'Every version of a state, also of a deleted one',
  params: StateParams,
  querystring: HistoryPageQuery,
  response: { 200: HistoryPage, ...refusals },
}

export const transitionsSchema = {
  tags,
  summary: 'What may come next, and why the rest may not',
  params: StateParams,
  response: { 200: Transitions, ...refusals },
}

export const upsertSchema = {
  tags,
  summary: 'Create a state, or change the one that exists',
  description:
    'Of an existing state, status and metadata that are absent stay as they are; metadata that are present ' +
    'replace the old ones. A write that changes nothing makes no version, no history and no event.',
  params: EntityParams,
  headers: WriteHeaders,
  body: StateUpsert,
  response: { 200: State, 201: State, ...refusals },
}

export const putSchema = {
  tags,
  summary: 'Change a state; metadata are replaced',
  params: StateParams,
  headers: WriteHeaders,
  body: StateChange,
  response: { 200: State, ...refusals },
}

export const patchSchema = {
  ...putSchema,
  summary: 'Change a state; metadata are merged (RFC 7396)',
  body: withExamples(StateChange, [{ metadata: { priority: 'urgent', dueAt: null } }]),
}

export const deleteSchema = {
  tags,
  summary: 'Delete a state; its history stays readable',
  params: StateParams,
  querystring: DeleteQuery,
  headers: WriteHeaders,
  response: { 204: Type.Null({ description: 'Deleted' }), ...refusals },
}

export const heartbeatSchema = {
  tags,
  summary: 'Give a sign of life: the expiry moves on, the version stays',
  params: PresenceParams,
  headers: WriteHeaders,
  body: HeartbeatBody,
  response: { 200: State, ...refusals },
}

export const batchSchema = {
  tags,
  summary: 'Up to 1000 writes in one transaction',
  headers: KeyHeaders,
  body: BatchBody,
  response: { 200: BatchAnswer, ...refusals },
}

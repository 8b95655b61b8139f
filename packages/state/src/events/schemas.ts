import { Type } from '@sinclair/typebox'
import { CustomEvent, EventLogItem, PublishEvent } from '@potok/contracts/event'
import { Cursor, EntityType } from '@potok/contracts/identifiers'
import { IdempotencyKey } from '../idempotency/schemas.ts'
import type { EventStream } from './stream.ts'

const entity = Type.Optional(
  Type.Unsafe<string>({ ...EntityType, description: 'Only events of entities of this type' }),
)
const after = Type.Optional(
  Type.Unsafe<string>({ ...Cursor, description: 'Go on after this cursor' }),
)

/** Query of `GET /events`. */
export const LogQuery = Type.Object(
  {
    after,
    entity,
    limit: Type.Integer({ minimum: 1, maximum: 500, default: 100 }),
  },
  { additionalProperties: false },
)

/** The items were JSON text when they were written, and stay it. */
type JsonText = string

/** A page of the event log. `nextCursor` is always there: at the end of the log it is where new events will follow. */
export const LogAnswer = Type.Unsafe<JsonText>(
  Type.Object({ items: Type.Array(EventLogItem), nextCursor: Cursor }, { title: 'EventLogPage' }),
)

/** Query of `GET /events/stream`. */
export const StreamQuery = Type.Object({ after, entity }, { additionalProperties: false })

export const StreamHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      description: 'Where reading was interrupted; wins over `after`',
      examples: ['k3f9x2.42'],
    }),
  ),
})

/** What `GET /events/stream` sends. */
export const StreamAnswer = Type.Unsafe<EventStream>(
  Type.String({
    description:
      'Events named as in the log with `data:` an EventLogItem, and `reset` with a StreamReset',
    examples: ['id: k3f9x2.42\nevent: entity.created\ndata: {"cursor":"k3f9x2.42"}\n\n'],
  }),
)

export const PublishBody = Type.Unsafe<PublishEvent>({
  ...PublishEvent,
  examples: [{ name: 'report.ready', entity: 'task', id: 'task_123', data: { pages: 3 } }],
})
export const PublishHeaders = Type.Object({ 'idempotency-key': IdempotencyKey })
export const PublishAnswer = Type.Unsafe<JsonText>(CustomEvent)

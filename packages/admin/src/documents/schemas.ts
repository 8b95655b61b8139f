import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'
import { Timestamp } from '@potok/contracts/identifiers'
import { Problem } from '@potok/contracts/problem'
import { IfMatch, IfNoneMatch, OnlyCreate } from '../lib/conditional-headers.ts'
import { PageCursor, PageLimit } from '../lib/page-cursor.ts'

const Entity = Type.String({
  pattern: '^[a-z][a-z0-9-]{0,62}$',
  description: 'Kind of the documents, such as states',
  examples: ['notes'],
})

/** Longer than an entity id: the state service files its states under `<entity>:<id>`. */
const DocumentId = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$',
  description: 'Id of the document',
  examples: ['note_1'],
})

const BodyVersion = Type.Integer({
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
})

/** Any JSON object. */
export const Document = Type.Object(
  {},
  {
    additionalProperties: true,
    title: 'Document',
    description:
      'Any JSON object. When it has an integer `version`, an older version than the stored one is refused',
    examples: [
      { title: 'Список дел', tags: ['дом'], done: false },
      {
        entityType: 'task',
        entityId: 'task_123',
        status: 'in_progress',
        version: 3,
        metadata: { title: 'Подготовить отчёт' },
        timestamp: '2025-11-10T10:00:00.000Z',
      },
    ],
  },
)
export type Document = Record<string, unknown>

const NewDocument = Type.Object(
  { id: Type.Optional(DocumentId) },
  {
    additionalProperties: true,
    title: 'NewDocument',
    description: 'Any JSON object. Without `id` it gets one',
    examples: [{ id: 'note_1', title: 'Список дел', tags: ['дом'], done: false }],
  },
)

const Filed = Type.Object({
  id: DocumentId,
  etag: Type.String({ description: 'For If-Match', examples: ['"1762768800123"'] }),
  createdAt: Timestamp,
  updatedAt: Timestamp,
  document: Type.Object({}, { additionalProperties: true }),
})

const DocumentPage = Type.Object(
  { items: Type.Array(Filed), nextCursor: Type.Optional(PageCursor) },
  { title: 'DocumentPage' },
)
export type DocumentPage = Static<typeof DocumentPage>

/** `filter.metadata.priority`: names of members, from the outside in. SQLite's paths know no quote or backslash. */
export const FILTER = 'filter.'
const FILTER_PATTERN = String.raw`^filter(?:\.[^."\\\u0000]{1,64}){1,8}$`

const DocumentQuery = Type.Object(
  {
    sort: Type.Optional(
      closedSet(['id', 'updatedAt'], {
        default: 'id',
        description:
          'By `id` a document that is there all the time is in exactly one page; by `updatedAt` one that changes meanwhile comes again at the end',
      }),
    ),
    updatedAfter: Type.Optional(
      Type.String({
        format: 'date-time',
        // Not the leap second that the format lets through: Date knows none.
        pattern: ':[0-5][0-9](?:\\.[0-9]{1,9})?(?:[Zz]|[+-][0-9:]{5})$',
        description: 'Changed later than this',
        examples: ['2025-11-10T10:00:00.000Z'],
      }),
    ),
    limit: Type.Optional(PageLimit),
    cursor: Type.Optional(PageCursor),
  },
  {
    additionalProperties: false,
    maxProperties: 12,
    patternProperties: {
      [FILTER_PATTERN]: { type: 'string', maxLength: 256, pattern: '^[^\\u0000]*$' },
    },
  },
)
export type DocumentQuery = Static<typeof DocumentQuery>

const tags = ['documents']
const params = Type.Object({ entity: Entity, id: DocumentId })
const stale = 'older than the stored or deleted one: 412 DOCUMENTS_STALE_VERSION'

/** What each route takes and answers. */
export const operations = {
  list: {
    tags,
    summary: 'Documents of one kind, page by page',
    description:
      'Filters: `filter.<path>=<value>`, such as `filter.metadata.priority=high`; names are separated by dots, several are and-ed, values compare as text (`true`, `42`). ' +
      'A page looks at a limited number of documents and has a limited size: it may be short, or even empty, while `nextCursor` is there.',
    params: Type.Object({ entity: Entity }),
    querystring: DocumentQuery,
    response: { 200: DocumentPage, '4xx': Problem },
  },
  get: {
    tags,
    summary: 'One document',
    params,
    headers: Type.Object({ 'if-none-match': IfNoneMatch }),
    response: { 200: Document, 304: Type.Null({ description: 'Not changed' }), '4xx': Problem },
  },
  create: {
    tags,
    summary: 'File a new document under its `id` or a generated one',
    params: Type.Object({ entity: Entity }),
    body: NewDocument,
    response: { 201: Document, '4xx': Problem },
  },
  put: {
    tags,
    summary: 'File a document, whether there is one or not',
    description: `An integer \`version\` in the body ${stale}. What is stored already is answered with 200 and stays as it is.`,
    params,
    headers: Type.Object({ 'if-match': IfMatch, 'if-none-match': OnlyCreate }),
    body: Document,
    response: { 200: Document, 201: Document, '4xx': Problem },
  },
  remove: {
    tags,
    summary: 'Remove a document',
    description:
      'With `version` the delete is one in the row of versions: 204 also when there is nothing, and for a while no PUT of that version or an older one is taken. ' +
      `A \`version\` ${stale}.`,
    params,
    headers: Type.Object({ 'if-match': IfMatch }),
    querystring: Type.Object(
      { version: Type.Optional(BodyVersion) },
      { additionalProperties: false },
    ),
    response: { 204: Type.Null({ description: 'Removed' }), '4xx': Problem },
  },
}

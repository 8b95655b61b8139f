import { closedSet } from '@potok/contracts/closed-set'
import { EntityType } from '@potok/contracts/identifiers'
import { Problem } from '@potok/contracts/problem'
import { Type } from '@sinclair/typebox'

/** Newline-delimited JSON: one object a line. */
export const NDJSON = 'application/x-ndjson'

const tags = ['transfer']
const refusals = { '4xx': Problem, 503: Problem }
const Tally = Type.Object({
  imported: Type.Integer({ minimum: 0 }),
  unchanged: Type.Integer({ minimum: 0, description: 'It was there already' }),
  skipped: Type.Integer({ minimum: 0, description: 'Something else was there and stayed' }),
})

export const exportSchema = {
  tags,
  summary: 'All states with their history, and the rules of your own entity types, line by line',
  description:
    'NDJSON: a header, the rules, each state followed by its versions, and an end that counts them. Without the end the ' +
    'export was cut off. Each entity is whole, and as it was when it was read: the service goes on meanwhile.',
  produces: [NDJSON],
  querystring: Type.Object({ entity: Type.Optional(EntityType) }, { additionalProperties: false }),
  response: {
    200: Type.Unsafe<NodeJS.ReadableStream>({
      type: 'string',
      description: 'One JSON object a line',
    }),
    ...refusals,
  },
}

const EXAMPLE = [
  {
    type: 'state',
    entity: 'process',
    entityId: 'import_2025',
    status: 'running',
    version: 1,
    metadata: { name: 'импорт' },
    createdAt: '2025-11-10T10:00:00.000Z',
    createdBy: 'service:gateway',
    updatedAt: '2025-11-10T10:00:00.000Z',
    updatedBy: 'service:gateway',
    machineVersion: 1,
  },
  {
    type: 'history',
    entity: 'process',
    entityId: 'import_2025',
    version: 1,
    event: 'entity.created',
    previousStatus: null,
    newStatus: 'running',
    metadata: { name: 'импорт' },
    actor: 'service:gateway',
    correlationId: 'c0ffee',
    machineVersion: 1,
    timestamp: '2025-11-10T10:00:00.000Z',
    createdAt: '2025-11-10T10:00:00.000Z',
    createdBy: 'service:gateway',
  },
]

/** The body is a stream, whose lines are checked as they come: here it is only described. */
const ndjsonBody = {
  content: {
    [NDJSON]: {
      schema: {
        description: 'One JSON object a line',
        examples: [EXAMPLE.map((line) => `${JSON.stringify(line)}\n`).join('')],
      },
    },
  },
}

export const importSchema = {
  tags,
  summary: 'Bring an export in',
  description:
    'The body is what an export gives, or a part of it that begins with a machine or state line. Lines are checked as ' +
    'they come and stored in small steps; the same import again changes nothing. No events are made: who follows the ' +
    'event log gets a `reset`, the external DB gets the states.',
  body: ndjsonBody,
  querystring: Type.Object(
    {
      existing: closedSet(['skip', 'refuse'], {
        default: 'skip',
        description:
          'What to do with one that is there already and is not the same: leave it, or end with 409',
      }),
      more: Type.Boolean({
        default: false,
        description: 'Further parts will come: those who follow the event log are told at the last',
      }),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      lines: Type.Integer({ minimum: 0 }),
      machines: Tally,
      states: Tally,
      history: Tally,
    }),
    ...refusals,
  },
}

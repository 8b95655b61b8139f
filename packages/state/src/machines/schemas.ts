import { EntityType } from '@potok/contracts/identifiers'
import { Machine, MachineDefinition } from '@potok/contracts/machine'
import { Problem } from '@potok/contracts/problem'
import { ENTITY_TAGS } from '@potok/core/lib/precondition'
import { closedSet } from '@potok/contracts/closed-set'
import { withExamples } from '@potok/contracts/with-examples'
import { Type } from '@sinclair/typebox'

const MachineParams = Type.Object({ entity: EntityType })
const OwnParams = Type.Object({ entity: withExamples(EntityType, ['order']) })

const flag = (description: string) => Type.Optional(Type.Boolean({ default: false, description }))

const MachineQuery = Type.Object(
  {
    version: Type.Optional(
      Type.Integer({ minimum: 1, description: 'The rules as they were in this version' }),
    ),
    format: Type.Optional(
      closedSet(['json', 'mermaid'], { description: 'mermaid: a drawing as text' }),
    ),
  },
  { additionalProperties: false },
)

const PutQuery = Type.Object(
  {
    dryRun: flag('Only tell which stored entities the rules would strand'),
    force: flag('Replace although stored entities are stranded'),
  },
  { additionalProperties: false },
)

const entityTags = (description: string) =>
  Type.Optional(Type.String({ pattern: ENTITY_TAGS, description }))

const ReadHeaders = Type.Object({
  'if-none-match': entityTags('304 when the version in force is this one'),
})

const PutHeaders = Type.Object({
  'if-match': entityTags('412 unless the version in force is this one'),
  'if-none-match': entityTags('`*`: only when there are no rules yet'),
})

const MachineList = Type.Object({ items: Type.Array(Machine) })

const DryRun = Type.Object(
  {
    strandedTotal: Type.Integer({
      minimum: 0,
      description: 'Entities without a valid status then',
    }),
    stranded: Type.Array(Type.Object({ entityId: Type.String(), status: Type.String() }), {
      description: 'The first hundred of them',
    }),
  },
  { title: 'DryRun' },
)

const MachineBody = Type.Object(MachineDefinition.properties, {
  additionalProperties: false,
  examples: [
    {
      statuses: ['draft', 'approved', 'rejected'],
      initial: ['draft'],
      transitions: { draft: ['approved', 'rejected'], rejected: ['draft'] },
      expiry: { draft: { afterSeconds: 86_400, to: 'rejected' } },
      indexes: ['customer'],
    },
  ],
})

const tags = ['machines']
const refusals = { '4xx': Problem, 503: Problem }

export const listSchema = {
  tags,
  summary: 'The transition rules of every entity type',
  response: { 200: MachineList, ...refusals },
}

export const getSchema = {
  tags,
  summary: 'The transition rules in force for an entity type',
  params: MachineParams,
  querystring: MachineQuery,
  headers: ReadHeaders,
  response: {
    200: {
      description: 'The rules, or their drawing',
      content: {
        'application/json': { schema: Machine },
        'text/vnd.mermaid': { schema: Type.String() },
      },
    },
    304: Type.Null({ description: 'Not modified' }),
    ...refusals,
  },
}

export const putSchema = {
  tags,
  summary: 'Put the rules of an entity type of your own into force',
  description:
    'Every change makes a new version; the version in force stands on every history row. Refused with 409 when ' +
    'stored entities have a status that the new rules do not know. Metadata paths in `indexes` are indexed at once; ' +
    'writes of states wait meanwhile.',
  params: OwnParams,
  querystring: PutQuery,
  headers: PutHeaders,
  body: MachineBody,
  response: { 200: Type.Union([Machine, DryRun]), 201: Machine, ...refusals },
}

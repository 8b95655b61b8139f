import { EntityType } from '@potok/contracts/identifiers'
import { Machine, MachineDefinition } from '@potok/contracts/machine'
import { ENTITY_TAGS } from '@potok/core/lib/precondition'
import { closedSet } from '@potok/contracts/closed-set'
import { Type } from '@sinclair/typebox'

export const MachineParams = Type.Object({ entity: EntityType })

const flag = (description: string) => Type.Boolean({ default: false, description })

export const MachineQuery = Type.Object(
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

export const PutQuery = Type.Object(
  {
    dryRun: flag('Only tell which stored entities the rules would strand'),
    force: flag('Replace although stored entities are stranded'),
  },
  { additionalProperties: false },
)

const tags = (description: string) =>
  Type.Optional(Type.String({ pattern: ENTITY_TAGS, description }))

export const ReadHeaders = Type.Object({
  'if-none-match': tags('304 when the version in force is this one'),
})

export const PutHeaders = Type.Object({
  'if-match': tags('412 unless the version in force is this one'),
  'if-none-match': tags('`*`: only when there are no rules yet'),
})

export const MachineList = Type.Object({ items: Type.Array(Machine) })

export const DryRun = Type.Object(
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

export const MachineBody = Type.Object(MachineDefinition.properties, {
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

import { Type, type Static } from '@sinclair/typebox'
import { EntityType, Status, Timestamp } from './identifiers.ts'

export const Expiry = Type.Object(
  { afterSeconds: Type.Integer({ minimum: 1, maximum: 31_536_000 }), to: Status },
  { additionalProperties: false },
)

/** Body of `PUT /machines/:entity`: the transition rules of an entity type, as data. */
export const MachineDefinition = Type.Object(
  {
    statuses: Type.Array(Status, { minItems: 1, maxItems: 64, uniqueItems: true }),
    initial: Type.Array(Status, { minItems: 1, maxItems: 64, uniqueItems: true }),
    transitions: Type.Record(Status, Type.Array(Status, { maxItems: 64, uniqueItems: true })),
    expiry: Type.Optional(Type.Record(Status, Expiry)),
    indexes: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^[A-Za-z_][A-Za-z0-9_]{0,62}(\\.[A-Za-z_][A-Za-z0-9_]{0,62}){0,4}$',
        }),
        {
          maxItems: 8,
          uniqueItems: true,
        },
      ),
    ),
  },
  { additionalProperties: false },
)
export type MachineDefinition = Static<typeof MachineDefinition>

/** The rules in force for an entity type. */
export const Machine = Type.Object(
  {
    entity: EntityType,
    version: Type.Integer({ minimum: 1 }),
    builtIn: Type.Boolean(),
    updatedAt: Type.Optional(Timestamp),
    ...MachineDefinition.properties,
  },
  { title: 'Machine' },
)
export type Machine = Static<typeof Machine>

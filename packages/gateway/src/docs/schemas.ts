import { Type, type Static } from '@sinclair/typebox'

const Parameter = Type.Object({ name: Type.String(), in: Type.String() })

export const Operation = Type.Object({
  operationId: Type.Optional(Type.String()),
  security: Type.Optional(Type.Unknown()),
  description: Type.Optional(Type.String()),
  parameters: Type.Optional(Type.Array(Parameter)),
  responses: Type.Record(Type.String(), Type.Unknown()),
})
export type Operation = Static<typeof Operation>

/** As much of an OpenAPI document as composing one out of several needs; whatever else is in it stays. */
export const ApiDocument = Type.Object({
  openapi: Type.String({ pattern: '^3\\.1\\.' }),
  info: Type.Object({ title: Type.String(), description: Type.Optional(Type.String()) }),
  paths: Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown())),
  components: Type.Optional(
    Type.Object({ schemas: Type.Optional(Type.Record(Type.String(), Type.Unknown())) }),
  ),
})
export type ApiDocument = Static<typeof ApiDocument>
export type Schemas = Record<string, unknown>
export type Paths = ApiDocument['paths']

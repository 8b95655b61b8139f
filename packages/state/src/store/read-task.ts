import { Type, type Static } from '@sinclair/typebox'

/** A query for a read worker. */
export const ReadTask = Type.Object({
  sql: Type.String(),
  parameters: Type.Array(Type.Union([Type.String(), Type.Number(), Type.Null()])),
  limitMs: Type.Number(),
})
export type ReadTask = Static<typeof ReadTask>

/** A task, or that there will be none any more. */
export const ReadRequest = Type.Union([ReadTask, Type.Literal('close')])
export type ReadRequest = Static<typeof ReadRequest>

export const ReadOutcome = Type.Union([
  Type.Object({ rows: Type.Array(Type.Unknown()) }),
  Type.Object({ expired: Type.Literal(true) }),
  Type.Object({ error: Type.String() }),
])
export type ReadOutcome = Static<typeof ReadOutcome>

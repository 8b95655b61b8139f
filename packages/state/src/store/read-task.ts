import { Type, type Static } from '@sinclair/typebox'

/** What the main thread asks of a read worker. One at a time. */
export const ReadTask = Type.Object({
  sql: Type.String(),
  parameters: Type.Array(Type.Union([Type.String(), Type.Number(), Type.Null()])),
  limitMs: Type.Number(),
})
export type ReadTask = Static<typeof ReadTask>

export const ReadOutcome = Type.Union([
  Type.Object({ rows: Type.Array(Type.Unknown()) }),
  Type.Object({ expired: Type.Literal(true) }),
  Type.Object({ error: Type.String() }),
])
export type ReadOutcome = Static<typeof ReadOutcome>

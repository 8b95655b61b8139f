import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from './closed-set.ts'

export const Liveness = Type.Object({ status: Type.Literal('ok') })
export type Liveness = Static<typeof Liveness>

/** `ready` plus one boolean per configured part. */
export const Readiness = Type.Object(
  { ready: Type.Boolean() },
  { additionalProperties: Type.Boolean() },
)
export type Readiness = Static<typeof Readiness>

export const HealthStatus = closedSet(['ok', 'degraded', 'error'])
export const PartStatus = closedSet(['up', 'down', 'off'])

/** One part of the full health with how long its check took, milliseconds. */
export const PartHealth = Type.Object(
  {
    status: PartStatus,
    latencyMs: Type.Optional(Type.Number()),
    detail: Type.Optional(Type.String()),
  },
  { additionalProperties: true },
)
export type PartHealth = Static<typeof PartHealth>

import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'
import { Timestamp } from '@potok/contracts/identifiers'
import { UPSTREAM_NAMES } from '../upstreams/index.ts'

export const CircuitParams = Type.Object({
  service: closedSet(UPSTREAM_NAMES, { examples: ['state'] }),
})

export const CircuitView = Type.Object(
  {
    service: closedSet(UPSTREAM_NAMES),
    state: closedSet(['closed', 'open', 'half_open']),
    failures: Type.Integer({ minimum: 0, description: 'Failed attempts in a row' }),
    successes: Type.Integer({ minimum: 0, description: 'Successful probes, when half-open' }),
    openedAt: Type.Union([Timestamp, Type.Null()]),
    held: Type.Boolean({ description: 'Opened by hand: it stays open until closed by hand' }),
    retryAfterMs: Type.Integer({ minimum: 0, description: 'Until the next request may pass' }),
  },
  { title: 'Circuit' },
)
export type CircuitView = Static<typeof CircuitView>
export const CircuitList = Type.Object({ items: Type.Array(CircuitView) }, { title: 'CircuitList' })

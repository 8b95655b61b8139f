import type { Machine } from '@potok/contracts/machine'

/** A machine made ready to be asked. */
export interface Rules {
  readonly entity: string
  readonly version: number
  readonly statuses: readonly string[]
  /** Metadata paths with an index. */
  readonly indexes: readonly string[]
  knows(status: string): boolean
  /** The status of a creation that names none. */
  readonly first: string
  /**
   * What may follow. `null` asks for the first statuses of a new entity. A status that the rules do not know any more
   * (they were replaced by force) leads back to the first ones, so that nothing is stuck for ever.
   */
  after(status: string | null): readonly string[]
  allows(from: string | null, to: string): boolean
  /** What happens to a status that nobody renews. */
  expiry(status: string): { afterSeconds: number; to: string } | undefined
}

export function createRules(machine: Machine): Rules {
  const { entity, version, statuses, initial, transitions, expiry = {}, indexes = [] } = machine
  const known = new Set(statuses)
  const next = new Map(statuses.map((status) => [status, transitions[status] ?? []]))
  const allowed = new Map([...next].map(([status, after]) => [status, new Set(after)]))
  const initials = new Set(initial)
  const expiries = new Map(Object.entries(expiry))
  return {
    entity,
    version,
    statuses,
    indexes,
    knows: (status) => known.has(status),
    first: initial[0] ?? '',
    after: (status) => (status === null ? initial : (next.get(status) ?? initial)),
    allows: (from, to) => {
      const targets = from === null ? initials : (allowed.get(from) ?? initials)
      return targets.has(to)
    },
    expiry: (status) => expiries.get(status),
  }
}

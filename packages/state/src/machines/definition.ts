import type { MachineDefinition } from '@potok/contracts/machine'
import type { FieldError } from '@potok/contracts/problem'

function unknownIn(
  names: readonly string[],
  statuses: ReadonlySet<string>,
  path: string,
): FieldError[] {
  return names
    .map((name, index) => ({ name, path: `${path}/${index}` }))
    .filter(({ name }) => !statuses.has(name))
    .map(({ name, path: at }) => ({ path: at, message: `${name} is not one of the statuses` }))
}

function expiryErrors(definition: MachineDefinition, statuses: ReadonlySet<string>): FieldError[] {
  return Object.entries(definition.expiry ?? {}).flatMap(([from, { to }]) => {
    const path = `/body/expiry/${from}`
    if (!statuses.has(from)) return [{ path, message: `${from} is not one of the statuses` }]
    if (!statuses.has(to)) {
      return [{ path: `${path}/to`, message: `${to} is not one of the statuses` }]
    }
    return from === to ? [{ path: `${path}/to`, message: 'must be another status' }] : []
  })
}

/** Statuses that no entity can ever come to. */
function unreachable({ statuses, initial, transitions, expiry }: MachineDefinition): string[] {
  const reached = new Set(initial)
  // A set may grow while it is walked, and the walk sees what was added.
  for (const status of reached) {
    for (const next of transitions[status] ?? []) reached.add(next)
    const expired = expiry?.[status]
    if (expired !== undefined) reached.add(expired.to)
  }
  return statuses.filter((status) => !reached.has(status))
}

/**
 * What is wrong with a definition that is well formed.
 * @returns one entry a fault, with its place in the body; empty: the rules can be used
 */
export function definitionErrors(definition: MachineDefinition): FieldError[] {
  const statuses = new Set(definition.statuses)
  const errors = [
    ...unknownIn(definition.initial, statuses, '/body/initial'),
    ...Object.entries(definition.transitions).flatMap(([from, targets]) =>
      statuses.has(from)
        ? unknownIn(targets, statuses, `/body/transitions/${from}`)
        : [{ path: `/body/transitions/${from}`, message: `${from} is not one of the statuses` }],
    ),
    ...expiryErrors(definition, statuses),
  ]
  if (errors.length > 0) return errors
  return unreachable(definition).map((status) => ({
    path: `/body/statuses/${definition.statuses.indexOf(status)}`,
    message: `${status} can never be reached from the initial statuses`,
  }))
}

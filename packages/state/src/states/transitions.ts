import type { Transitions } from '@potok/contracts/state'
import type { Rules } from '../machines/index.ts'
import type { StateRow } from './state-row.ts'

/** What may come next, and why the rest may not. */
export function transitionsOf(
  { status, version }: Pick<StateRow, 'status' | 'version'>,
  rules: Rules,
): Transitions {
  const allowed = rules.after(status).filter((next) => next !== status)
  const possible = allowed.length === 0 ? 'nothing' : allowed.join(', ')
  const refused = rules.statuses
    .filter((other) => !allowed.includes(other))
    .map((other) => ({
      status: other,
      reason:
        other === status ? 'it is the current status' : `after ${status} only ${possible} may come`,
    }))
  return { status, version, allowed, refused }
}

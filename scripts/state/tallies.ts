import { createParser } from '@potok/core/validation'
import { Type, type Static } from '@sinclair/typebox'

const Tally = Type.Object({
  imported: Type.Integer(),
  unchanged: Type.Integer(),
  skipped: Type.Integer(),
})

/** What became of what was sent. */
export const Tallies = Type.Object({ machines: Tally, states: Tally, history: Tally })
export type Tallies = Static<typeof Tallies>

const parse = createParser(Tallies)

const nothing = () => ({ imported: 0, unchanged: 0, skipped: 0 })
export const noTallies = (): Tallies => ({
  machines: nothing(),
  states: nothing(),
  history: nothing(),
})

/** Adds what the answer to a part says. */
export function countTallies(sum: Tallies, answer: unknown): void {
  const part = parse(answer)
  for (const kind of ['machines', 'states', 'history'] as const) {
    for (const outcome of ['imported', 'unchanged', 'skipped'] as const) {
      sum[kind][outcome] += part[kind][outcome]
    }
  }
}

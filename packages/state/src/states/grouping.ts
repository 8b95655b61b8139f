import { DatabaseUnavailable } from '@potok/core/database'
import type { Order, Outcome } from './command.ts'
import type { Refused } from './deciding.ts'

export interface GroupingDeps {
  /** Does the orders in one transaction: each is stored or refused for itself. @returns one result an order */
  run: (orders: readonly Order[]) => Promise<readonly (Outcome | Refused)[]>
  /** Transactions under way at once. */
  parallel?: number
  /** Orders of one transaction, at most. */
  groupLimit?: number
  /** Orders that may wait; above, `DatabaseUnavailable`. */
  pendingLimit?: number
}

interface Waiting {
  order: Order
  resolve: (outcome: Outcome) => void
  reject: (error: unknown) => void
}

const placeOf = ({ order: { command } }: Waiting): string => `${command.entity}/${command.entityId}`

/** In one order everywhere, so that two groups that make the same entities do not wait for each other in a circle. */
function byEntity(one: Waiting, other: Waiting): number {
  const [first, second] = [placeOf(one), placeOf(other)]
  if (first === second) return 0
  return first < second ? -1 : 1
}

async function together(run: GroupingDeps['run'], group: readonly Waiting[]): Promise<void> {
  try {
    const results = await run(group.map(({ order }) => order))
    for (const [place, { resolve, reject }] of group.entries()) {
      const result = results[place]
      if (result === undefined) reject(new Error('An order without a result'))
      else if (result.kind === 'refused') reject(result.error)
      else resolve(result)
    }
  } catch (error) {
    // A commit that nobody answered may have been one: it must not be done again.
    if (group.length === 1 || error instanceof DatabaseUnavailable) {
      for (const { reject } of group) reject(error)
      return
    }
    // Nothing was stored. Whatever it was, it was one of them: the others shall not pay for it.
    await Promise.all(group.map((one) => together(run, [one])))
  }
}

/**
 * Writes of many requests at once, in a few transactions: what arrives while all of them are busy shares the next one.
 * For a store where each statement of a transaction is a way there and back.
 */
export function createGrouping(deps: GroupingDeps) {
  const { run, parallel = 3, groupLimit = 64, pendingLimit = 10_000 } = deps
  const waiting: Waiting[] = []
  let running = 0
  let isScheduled = false

  function begin(): void {
    isScheduled = false
    const group = waiting.splice(0, groupLimit).toSorted(byEntity)
    running += 1
    void together(run, group).finally(() => {
      running -= 1
      schedule()
    })
    schedule()
  }

  function schedule(): void {
    if (isScheduled || running >= parallel || waiting.length === 0) return
    isScheduled = true
    // What else arrived in this turn of the loop comes along.
    setImmediate(begin)
  }

  /** Resolves after the commit. @throws why it was refused, or what the transaction throws */
  return (order: Order): Promise<Outcome> => {
    if (waiting.length >= pendingLimit) {
      return Promise.reject(new DatabaseUnavailable('too many writes wait'))
    }
    return new Promise((resolve, reject) => {
      waiting.push({ order, resolve, reject })
      schedule()
    })
  }
}

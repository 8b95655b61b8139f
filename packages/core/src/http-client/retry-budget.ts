export interface RetryBudgetOptions {
  /** Retries allowed for each request of the window. */
  ratio: number
  /** Retries allowed in a window however few requests there are. */
  min: number
  /** How long a request or a retry is remembered. */
  windowMs?: number
  now?: () => number
}

export type RetryBudget = ReturnType<typeof createRetryBudget>

const SLOTS = 10

/**
 * Keeps retries from multiplying the load on an upstream that is already failing: at most `ratio` of the requests of the
 * last seconds. A retry is paid when it is planned, so those that still wait in their back-off count too.
 */
export function createRetryBudget({
  ratio,
  min,
  windowMs = 10_000,
  now = Date.now,
}: RetryBudgetOptions) {
  const slotMs = windowMs / SLOTS
  const slots = Array.from({ length: SLOTS }, () => ({ number: -1, requests: 0, retries: 0 }))

  function slot() {
    const number = Math.floor(now() / slotMs)
    const current = slots[number % SLOTS]
    if (current === undefined) throw new RangeError('the clock must be at or after its epoch')
    if (current.number !== number) Object.assign(current, { number, requests: 0, retries: 0 })
    return current
  }

  function balance(): number {
    const oldest = slot().number - SLOTS
    const recent = slots.filter(({ number }) => number > oldest)
    const requests = recent.reduce((sum, { requests: count }) => sum + count, 0)
    const retries = recent.reduce((sum, { retries: count }) => sum + count, 0)
    return Math.max(min, Math.floor(requests * ratio)) - retries
  }

  return {
    countRequest(): void {
      slot().requests += 1
    },
    /** Takes one retry out of the budget; false when there is none left. */
    take(): boolean {
      if (balance() < 1) return false
      slot().retries += 1
      return true
    },
    /** Retries that could be taken now. */
    balance,
  }
}

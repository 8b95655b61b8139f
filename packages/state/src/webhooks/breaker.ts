/**
 * Keeps endpoints that fail from holding places that others could use: each gets a single probe at a time. Known to
 * this process only; the count that deactivates is in the store.
 * @param limit failures in a row after which an endpoint gets one delivery at a time, until one succeeds
 */
export function createBreaker(limit: number) {
  const failures = new Map<string, number>()
  return {
    note(subscriptionId: string, ok: boolean): void {
      if (ok) failures.delete(subscriptionId)
      else failures.set(subscriptionId, (failures.get(subscriptionId) ?? 0) + 1)
    },
    isOpen: (subscriptionId: string): boolean => (failures.get(subscriptionId) ?? 0) >= limit,
    /** Of a subscription that is no more, or gets a new chance. */
    forget: (subscriptionId: string): void => void failures.delete(subscriptionId),
  }
}

export type Breaker = ReturnType<typeof createBreaker>

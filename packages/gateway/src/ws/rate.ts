/**
 * A token bucket: `perSecond` in the long run, `burst` at once.
 * @param now epoch milliseconds
 */
export function createBucket(perSecond: number, burst: number, now: () => number = Date.now) {
  let tokens = burst
  let filledAt = now()
  return {
    /** @returns false when there is no token left */
    take(): boolean {
      const at = now()
      tokens = Math.min(burst, tokens + ((at - filledAt) / 1000) * perSecond)
      filledAt = at
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
  }
}

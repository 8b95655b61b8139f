export interface BackOff {
  /** Upper end of the first wait. */
  baseMs: number
  /** Upper end of any wait that the upstream did not ask for. */
  maxMs: number
}

/** Full jitter: anything up to the exponential step, so that callers who failed together do not return together. */
export function jitteredDelayMs(retry: number, { baseMs, maxMs }: BackOff, random = Math.random) {
  return Math.floor(random() * Math.min(maxMs, baseMs * 2 ** retry))
}

/** `Retry-After` (RFC 9110 §10.2.3) as milliseconds from now; undefined when absent or unreadable. */
export function retryAfterMs(header: string | string[] | undefined, now = Date.now) {
  if (typeof header !== 'string') return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now())
}

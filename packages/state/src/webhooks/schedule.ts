/** No retry waits longer, whatever was doubled. */
const LONGEST_MS = 86_400_000
/** A receiver may ask for a later retry, but not for one later than this. */
const LONGEST_ASKED_MS = 3_600_000

export interface RetrySettings {
  /** Milliseconds before each retry, the last one repeats; undefined: `baseDelayMs` doubled each time. */
  retryDelays: readonly number[] | undefined
  baseDelayMs: number
}

/**
 * Milliseconds from a failure to the retry after it.
 * @param retry 0 for the first retry
 * @param askedMs what the receiver asked for by Retry-After
 */
export function retryDelay(
  { retryDelays, baseDelayMs }: RetrySettings,
  retry: number,
  askedMs = 0,
): number {
  const listed = retryDelays?.[Math.min(retry, retryDelays.length - 1)]
  const planned = Math.min(listed ?? baseDelayMs * 2 ** retry, LONGEST_MS)
  return Math.max(planned, Math.min(askedMs, LONGEST_ASKED_MS))
}

/**
 * `Retry-After` as milliseconds from now (RFC 9110 §10.2.3): seconds or a date; undefined when it is neither.
 * @param nowMs epoch ms
 */
export function retryAfterMs(header: unknown, nowMs: number): number | undefined {
  if (typeof header !== 'string') return undefined
  if (/^\d{1,10}$/u.test(header.trim())) return Number(header) * 1000
  // Date.parse takes a great deal for a date; HTTP's begins with the name of a day.
  const date = /^[A-Za-z]{3,9}, /u.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}

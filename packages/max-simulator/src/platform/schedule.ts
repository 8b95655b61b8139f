/** When the platform tries a webhook again. */

/** No answer within this time is a failure. */
export const PUSH_TIMEOUT_MS = 30_000
const MAX_RETRIES = 10
const FIRST_RETRY_MS = 60_000
const FACTOR = 2.5
/** An update older than this is not sent any more; an endpoint that failed for so long loses its subscription. */
export const GIVE_UP_MS = 8 * 60 * 60 * 1000

/** Platform milliseconds before the next attempt; undefined after the last one. */
export function retryDelay(failedAttempts: number): number | undefined {
  return failedAttempts > MAX_RETRIES ? undefined : FIRST_RETRY_MS * FACTOR ** (failedAttempts - 1)
}

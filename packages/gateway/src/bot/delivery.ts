import { PlatformRefused } from './errors.ts'

/** What a failed call means for the message. */
export type Verdict =
  /** Try again, not before `delayMs`. */
  | { next: 'retry'; delayMs: number; outcome: 'limited' | 'unavailable' }
  /** MAX does not let us write to this person. */
  | { next: 'unreachable' }
  /** The message to change is gone, or may not be changed any more. */
  | { next: 'gone' }
  /** It will never be taken. */
  | { next: 'give-up'; reason: string }

const FIRST_DELAY_MS = 1000
const LONGEST_DELAY_MS = 60_000
/** A wrong token is for the operator to mend: the message waits for that. */
const WRONG_TOKEN_DELAY_MS = 30_000

/** 1 s, 2 s, 4 s … a minute, each up to a quarter less, so that those who failed together do not return together. */
export function backOffMs(attempt: number, random = Math.random): number {
  const step = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 16))
  return Math.round(step * (1 - random() / 4))
}

/**
 * @param error `PlatformRefused` or anything else, which counts as MAX being away
 * @param attempt 1 for the first
 */
export function verdictOf(error: unknown, attempt: number, random = Math.random): Verdict {
  const delayMs = backOffMs(attempt, random)
  if (!(error instanceof PlatformRefused)) return { next: 'retry', delayMs, outcome: 'unavailable' }
  const { status, reason, retryAfterMs, message } = error
  if (status === 429) {
    return { next: 'retry', delayMs: Math.max(delayMs, retryAfterMs ?? 0), outcome: 'limited' }
  }
  if (status === 401) {
    return { next: 'retry', delayMs: WRONG_TOKEN_DELAY_MS, outcome: 'unavailable' }
  }
  if (reason === 'attachment.not.ready') return { next: 'retry', delayMs, outcome: 'unavailable' }
  if (status === 403 || message.includes('error.dialog.notfound')) return { next: 'unreachable' }
  if (status === 404 || reason === 'not.successful') return { next: 'gone' }
  return { next: 'give-up', reason: `${status} ${reason}` }
}

import type { DeliveryAttempt } from '@potok/contracts/webhook'
import type { Reply } from './sender.ts'
import { retryDelay } from './schedule.ts'
import type { DeliveryDefaults, Subscriber } from './subscriber.ts'

/** What an attempt means for its delivery. */
export type Verdict =
  | { kind: 'delivered' }
  /** Not yet; again after `delayMs`. */
  | { kind: 'retry'; delayMs: number }
  /** No retry is left. */
  | { kind: 'exhausted' }
  /** 410: the endpoint wants no more; the delivery is held with the rest. */
  | { kind: 'gone' }

/** An attempt as it is kept, its start still relative to this process. */
export interface Attempted {
  verdict: Verdict
  reply: Reply
  /** Of the subscription when it was sent. */
  endpointVersion: number
  /** Attempts before this one, of all runs. */
  before: readonly DeliveryAttempt[]
}

const GONE = 410

export const succeeded = ({ error, responseStatus = 0 }: Reply): boolean =>
  error === undefined && responseStatus >= 200 && responseStatus < 300

/** One line about a reply that was no success. */
export function complaint({
  error,
  responseStatus,
}: Pick<Reply, 'error' | 'responseStatus'>): string {
  if (error !== undefined) return error
  const redirect = responseStatus !== undefined && responseStatus >= 300 && responseStatus < 400
  return redirect
    ? `the endpoint answered ${responseStatus}; redirects are not followed`
    : `the endpoint answered ${responseStatus}`
}

/**
 * Judges an attempt.
 * @param retries retries made before it in this run
 */
export function judge(
  reply: Reply,
  retries: number,
  subscriber: Pick<Subscriber, 'maxRetries' | 'retryDelays'>,
  { retryDelayMs: baseDelayMs }: Pick<DeliveryDefaults, 'retryDelayMs'>,
): Verdict {
  if (succeeded(reply)) return { kind: 'delivered' }
  if (reply.error === undefined && reply.responseStatus === GONE) return { kind: 'gone' }
  if (retries >= subscriber.maxRetries) return { kind: 'exhausted' }
  const { retryDelays } = subscriber
  const delayMs = retryDelay({ retryDelays, baseDelayMs }, retries, reply.retryAfterMs)
  return { kind: 'retry', delayMs }
}

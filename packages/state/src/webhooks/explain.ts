import type { DeliveryAttempt } from '@potok/contracts/webhook'
import type { ListedJob } from '@potok/core/queue'

const timestamp = (ms: number): string => new Date(ms).toISOString()

/** Why a delivery is cancelled that nobody wants any more. */
export const UNSUBSCRIBED = 'its subscription was deleted'

export interface Waiting {
  job: Pick<ListedJob, 'state' | 'key' | 'dueAt'>
  attempts: readonly DeliveryAttempt[]
  /** Why its subscription is not active. */
  disabledReason: string | null
  /** The endpoint failed often in a row: one delivery at a time is tried. */
  breakerOpen: boolean
}

/** What came of the last attempt; one that was delivered before is sent again because somebody wants it. */
function lastOf(attempts: readonly DeliveryAttempt[]): string {
  const last = attempts.at(-1)
  if (last === undefined) return ''
  return last.error === undefined
    ? `; attempt ${last.attempt} delivered it, it is sent again`
    : `; attempt ${last.attempt} failed: ${last.error}`
}

/** Why a delivery that is in the queue is not delivered yet. */
export function explainWaiting({ job, attempts, disabledReason, breakerOpen }: Waiting): string {
  const failed = lastOf(attempts)
  switch (job.state) {
    case 'held':
      return `held: the subscription is not active (${disabledReason ?? 'unknown'}); it goes out when that is active again${failed}`
    case 'running':
      return `is being sent now${failed}`
    case 'waiting':
      return `waits behind an earlier delivery of ${job.key ?? 'its entity'}${failed}`
    case 'scheduled':
      return `the next attempt is due at ${timestamp(job.dueAt)}${failed}`
    case 'ready':
      return breakerOpen
        ? `waits: the endpoint failed several times in a row and is tried with one delivery at a time${failed}`
        : `is due and waits for its turn${failed}`
  }
}

/** What became of a delivery that is not in the queue. */
export function explainFinished(
  status: string,
  attempts: readonly DeliveryAttempt[],
  note: string | null,
): string {
  if (note !== null) return note
  const last = attempts.at(-1)
  if (status === 'delivered') return `delivered by attempt ${last?.attempt ?? 1}`
  const reason = last?.error ?? 'unknown'
  return `no attempt of ${attempts.length} succeeded, the last: ${reason}; it can be sent again`
}

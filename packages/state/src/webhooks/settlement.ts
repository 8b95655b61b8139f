import { performance } from 'node:perf_hooks'
import { sql } from 'kysely'
import type { DeliveryAttempt, DeliveryStatus } from '@potok/contracts/webhook'
import type { AnyDatabase, AnyTransaction } from '@potok/core/database'
import type { Settlement } from '@potok/core/queue'
import type { DeliveryJob } from './delivery-job.ts'
import type { DeliveryLog, Entry } from './delivery-log.ts'
import type { Change, HealthNotes, Noted } from './health-notes.ts'
import { UNSUBSCRIBED } from './explain.ts'
import { isOperational } from './matching.ts'
import type { Announcement, Announce } from './operational-events.ts'
import { complaint, succeeded, type Attempted } from './verdict.ts'

export interface SettlementDeps {
  database: AnyDatabase
  log: DeliveryLog
  health: HealthNotes
  /** Stops the subscription's lane and tells every copy of the subscriptions. */
  deactivate: (trx: AnyTransaction, subscriptionId: string) => Promise<void>
  announce: Announce
  /** Called after the commit. */
  onSettled: (statuses: readonly DeliveryStatus[], changes: readonly Change[]) => void
}

type Settled = Settlement<DeliveryJob, Attempted>

const STATUS = {
  delivered: 'delivered',
  retry: 'pending',
  gone: 'pending',
  exhausted: 'dead',
} as const satisfies Record<Attempted['verdict']['kind'], DeliveryStatus>

/** The attempt as it is kept. @param startedAt epoch ms by the store's clock */
function attemptOf({ reply, before }: Attempted, startedAt: number): DeliveryAttempt {
  const { responseStatus, responseBody, durationMs } = reply
  const attempt: DeliveryAttempt = {
    attempt: before.length + 1,
    startedAt: new Date(startedAt).toISOString(),
    durationMs: Math.round(durationMs * 100) / 100,
  }
  if (responseStatus !== undefined) attempt.responseStatus = responseStatus
  if (responseBody !== undefined && responseBody !== '') attempt.responseBody = responseBody
  if (!succeeded(reply)) attempt.error = complaint(reply)
  return attempt
}

/** @param startedAt of the attempt, if one was made */
function entryOf({ job, outcome }: Settled, startedAt: number): Entry | undefined {
  const { id, lane: subscriptionId, payload, enqueuedAt: createdAt } = job
  const { result } = outcome
  if (result !== undefined) {
    const status = STATUS[result.verdict.kind]
    const attempts = [...result.before, attemptOf(result, startedAt)]
    return { id, subscriptionId, job: payload, createdAt, status, attempts }
  }
  const unsent = { id, subscriptionId, job: payload, createdAt, attempts: [] }
  if (outcome.status === 'done') return { ...unsent, status: 'cancelled', note: UNSUBSCRIBED }
  // Nobody lived to tell an outcome, time after time.
  return outcome.status === 'dead' ? { ...unsent, status: 'dead', note: outcome.reason } : undefined
}

function observationOf({ verdict, reply, endpointVersion }: Attempted, startedAt: number): Noted {
  return {
    ok: verdict.kind === 'delivered',
    startedAt,
    ...(verdict.kind === 'delivered' ? {} : { error: complaint(reply) }),
    gone: verdict.kind === 'gone',
    counts: reply.refused !== true,
    endpointVersion,
  }
}

/** Why nothing more will be tried; undefined: something will, or it was delivered. */
function endOf(outcome: Settled['outcome']): string | undefined {
  if (outcome.status === 'dead') return outcome.reason
  const { result } = outcome
  return result?.verdict.kind === 'exhausted' ? complaint(result.reply) : undefined
}

function announcementsOf(settled: readonly Settled[], changes: readonly Change[]): Announcement[] {
  // What is told about webhooks raises nothing when it cannot be told.
  const told = settled.filter(({ job }) => !isOperational(job.payload.event))
  const exhausted = told.flatMap(({ job, outcome }): Announcement[] => {
    const lastError = endOf(outcome)
    if (lastError === undefined) return []
    const { eventId, event, entity, entityId: id, version, correlationId, prior = 0 } = job.payload
    const about = { eventId, event, entity, id, version }
    const attempts =
      outcome.result === undefined ? prior + job.attempt - 1 : outcome.result.before.length + 1
    const data = { subscriptionId: job.lane, deliveryId: job.id, ...about, attempts, lastError }
    return [{ event: 'webhook.exhausted', data, correlationId }]
  })
  return [
    ...exhausted,
    ...changes.flatMap(({ id, url, disabled, failures, recovered }): Announcement[] => {
      const job = told.find(({ job: { lane } }) => lane === id)?.job
      if (job === undefined) return []
      const { correlationId } = job.payload
      const data = { subscriptionId: id, url }
      if (disabled === undefined && !recovered) return []
      return disabled === undefined
        ? [{ event: 'webhook.recovered', data, correlationId }]
        : [
            {
              event: 'webhook.disabled',
              data: { ...data, reason: disabled, consecutiveFailures: failures },
              correlationId,
            },
          ]
    }),
  ]
}

function observations(
  attempted: readonly { lane: string; result: Attempted; startedAt: number }[],
): Map<string, Noted[]> {
  const observed = new Map<string, Noted[]>()
  for (const { lane, result, startedAt } of attempted) {
    const known = observed.get(lane) ?? []
    known.push(observationOf(result, startedAt))
    observed.set(lane, known)
  }
  for (const list of observed.values()) list.sort((a, b) => a.startedAt - b.startedAt)
  return observed
}

/** What is written in the transaction that settles attempts: the log, the endpoints' health, what follows from it. */
export function createSettlement(deps: SettlementDeps) {
  const { database, log, health, deactivate, announce, onSettled } = deps
  const clock = database.statement<object>()(
    () => sql<{ at: number }>`select ${database.now()} as at`,
  )

  return async (trx: AnyTransaction, settled: readonly Settled[]): Promise<void> => {
    const [row] = (await clock({}, trx)).rows
    const at = row?.at ?? 0
    // The process measures how long ago, the store says what time it is.
    const elapsed = performance.now()
    const startOf = ({ reply }: Attempted): number =>
      at - Math.max(0, Math.round(elapsed - reply.startedAt))
    const entries = settled.flatMap((one) => {
      const { result } = one.outcome
      return entryOf(one, result === undefined ? at : startOf(result)) ?? []
    })
    await log.record(trx, entries)
    const attempted = settled.flatMap(({ job: { lane }, outcome: { result } }) =>
      result === undefined ? [] : [{ lane, result, startedAt: startOf(result) }],
    )
    const changes = await health.take(trx, observations(attempted), at)
    for (const { id, disabled } of changes) if (disabled !== undefined) await deactivate(trx, id)
    await announce(trx, announcementsOf(settled, changes), at)
    const statuses = entries.map(({ status }) => status)
    database.afterCommit(trx, () => onSettled(statuses, changes))
  }
}

import { randomUUID } from 'node:crypto'
import type { AnyDatabase } from '@potok/core/database'
import { sql } from 'kysely'
import { SubscriptionNotFound } from './errors.ts'
import { operationalJob } from './operational-events.ts'
import type { Registry } from './registry.ts'
import type { Sender } from './sender.ts'
import { signedRequest } from './signed-request.ts'
import { complaint, succeeded } from './verdict.ts'

export interface PingDeps {
  database: AnyDatabase
  registry: Registry
  sender: Sender
  /** A person waits for the answer. */
  pingTimeoutMs: number
}

export interface PingResult {
  delivered: boolean
  durationMs: number
  responseStatus?: number
  responseBody?: string
  error?: string
}

/** Sends a `webhook.ping` at once and tells what came back. It leaves no trace in log or health. */
export function createPing({ database, registry, sender, pingTimeoutMs }: PingDeps) {
  const clock = database.statement<object>()(
    () => sql<{ at: number }>`select ${database.now()} as at`,
  )
  /** @throws SubscriptionNotFound */
  return async (id: string, correlationId: string): Promise<PingResult> => {
    const subscriber = await registry.find(id)
    if (subscriber === undefined) throw new SubscriptionNotFound(id)
    const [row] = (await clock({})).rows
    const data = { subscriptionId: id, active: subscriber.active }
    const context = { timestampMs: row?.at ?? 0, correlationId }
    const job = operationalJob('webhook.ping', data, context)
    const body = Buffer.from(job.body)
    const signable = { ...job, body, deliveryId: `dlv_ping_${randomUUID()}`, attempt: 1 }
    const request = signedRequest(signable, subscriber.secrets(registry.storeTime), Date.now())
    const timeoutMs = Math.min(pingTimeoutMs, subscriber.timeoutMs)
    const reply = await sender.send(request, { target: subscriber.target, timeoutMs })
    const { durationMs, responseStatus, responseBody } = reply
    return {
      delivered: succeeded(reply),
      durationMs: Math.round(durationMs * 100) / 100,
      ...(responseStatus === undefined ? {} : { responseStatus }),
      ...(responseBody === undefined ? {} : { responseBody }),
      ...(succeeded(reply) ? {} : { error: complaint(reply) }),
    }
  }
}

import type { DatabaseLog } from '@potok/core/database'
import type { Job, Outcome } from '@potok/core/queue'
import type { Breaker } from './breaker.ts'
import type { DeliveryJob } from './delivery-job.ts'
import type { DeliveryLog } from './delivery-log.ts'
import type { EventBodies } from './event-bodies.ts'
import type { Registry } from './registry.ts'
import type { Sender } from './sender.ts'
import { signedRequest } from './signed-request.ts'
import type { DeliveryDefaults } from './subscriber.ts'
import { complaint, judge, type Attempted } from './verdict.ts'

export interface DeliverDeps {
  registry: Registry
  sender: Sender
  log: DeliveryLog
  bodies: EventBodies
  breaker: Breaker
  defaults: DeliveryDefaults
  logger: DatabaseLog
  observe: (outcome: 'delivered' | 'failed', seconds: number) => void
}

/** A subscription was deactivated while its job was taken up: its lane stands still by the next look. */
const HELD_MS = 1000
/** Never, unless somebody took rows out of the store by hand. */
const NO_TEXT = 'its event is not in the log any more'

/** Makes one attempt at a delivery: by the subscription as it is now, with the event as it was then. */
export function createDeliver(deps: DeliverDeps) {
  const { registry, sender, log, bodies, breaker, defaults, logger, observe } = deps

  return async (job: Job<DeliveryJob>): Promise<Outcome<Attempted>> => {
    const { id: deliveryId, lane, payload, attempt: run } = job
    const subscriber = registry.atHand(lane) ?? (await registry.find(lane))
    if (subscriber === undefined) return { status: 'done' }
    if (!subscriber.active) return { status: 'retry', delayMs: HELD_MS }
    const body = bodies.atHand(payload) ?? (await bodies.of(payload))
    if (body === undefined) return { status: 'dead', reason: NO_TEXT }
    const prior = payload.prior ?? 0
    // Attempts are counted by what is in the log: a fault of ours is none.
    const before = run === 1 && prior === 0 ? [] : await log.attempts(deliveryId)
    const attempt = before.length + 1
    const { eventId, event, entity: entityType, entityId, correlationId } = payload
    const signable = { deliveryId, eventId, event, attempt, correlationId, body }
    const request = signedRequest(signable, subscriber.secrets(registry.storeTime), Date.now())
    const reply = await sender.send(request, subscriber)
    const verdict = judge(reply, before.length - prior, subscriber, defaults)
    const ok = verdict.kind === 'delivered'
    // What we refuse to reach says nothing about the endpoint, and holds a place for moments.
    if (reply.refused !== true) breaker.note(lane, ok)
    observe(ok ? 'delivered' : 'failed', reply.durationMs / 1000)
    const about = {
      deliveryId,
      subscriptionId: lane,
      eventId,
      attempt,
      correlationId,
      event,
      entityType,
      entityId,
      durationMs: reply.durationMs,
    }
    if (ok) logger.debug(about, 'webhook delivered')
    else
      logger.info(
        { ...about, error: complaint(reply), verdict: verdict.kind },
        'webhook not delivered',
      )
    const result = { verdict, reply, endpointVersion: subscriber.endpointVersion, before }
    // What is exhausted is kept in the log, where it can be sent again from; the queue is done with it.
    if (ok || verdict.kind === 'exhausted') return { status: 'done', result }
    return { status: 'retry', delayMs: verdict.kind === 'retry' ? verdict.delayMs : 0, result }
  }
}

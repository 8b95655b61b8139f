/**
 * Webhooks: subscriptions to events under `/api/v1/webhooks`, and their deliveries: put into the queue in the
 * transaction of the event, signed, sent, tried again, and told of in a log.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { createPeriodic } from '../lib/periodic.ts'
import { totalBacklog } from './backlog.ts'
import { createConnections } from './connections.ts'
import { Deliveries } from './deliveries.ts'
import { DeliveryLog } from './delivery-log.ts'
import { deliveryRoutes } from './delivery-routes.ts'
import { createDispatcher, type Pace } from './dispatcher.ts'
import { createEventBodies } from './event-bodies.ts'
import { createMetrics } from './metrics.ts'
import { createPing } from './ping.ts'
import { Registry } from './registry.ts'
import { createReplay } from './replay.ts'
import { purgeDeliveries } from './retention.ts'
import { Sender } from './sender.ts'
import { createSubscriptionList } from './subscription-list.ts'
import { subscriptionRoutes } from './subscription-routes.ts'
import { Subscriptions } from './subscriptions.ts'
import { createTargetGuard } from './target-guard.ts'

export interface WebhooksOptions {
  prefix?: string
  /** WEBHOOK_DELIVERY_TIMEOUT, ms: default and limit of an attempt. */
  timeoutMs: number
  /** WEBHOOK_MAX_RETRIES */
  maxRetries: number
  /** WEBHOOK_RETRY_DELAY, ms. */
  retryDelayMs: number
  /** WEBHOOK_SECRET_KEY */
  defaultSecret?: string | undefined
  /** WEBHOOK_MAX_FAILURES */
  maxFailures: number
  /** WEBHOOK_FAILURE_SPACING_MS; undefined: `retryDelayMs`. */
  failureSpacingMs?: number | undefined
  /** WEBHOOK_ALLOWED_TARGETS */
  allowedTargets?: string | undefined
  /** In production nothing but what is public may be reached unless it is allowed. */
  production: boolean
  /** WEBHOOK_CONCURRENCY: deliveries of this process under way at once. */
  concurrency: number
  /** DELIVERY_RETENTION_DAYS */
  retentionDays: number
  /** WEBHOOK_MAX_IN_FLIGHT */
  maxInFlight: number
  /** WEBHOOK_MAX_SUBSCRIPTIONS */
  maxSubscriptions: number
  /** WEBHOOK_CONNECT_TIMEOUT */
  connectTimeoutMs: number
  /** WEBHOOK_PING_TIMEOUT */
  pingTimeoutMs: number
  /** WEBHOOK_RESPONSE_LIMIT, bytes. */
  responseLimit: number
  /** WEBHOOK_BODY_CACHE, bytes. */
  bodyCacheBytes: number
  /** WEBHOOK_BREAKER_FAILURES */
  breakerFailures: number
  /** WEBHOOK_RAMP_MS */
  rampMs: number
  /** WEBHOOK_POLL_MS */
  pollMs: number
  /** WEBHOOK_GATHER_MS */
  gatherMs: number
  /** WEBHOOK_DIRECT */
  directLimit: number
  /** WEBHOOK_CLAIM_SUBSCRIPTIONS */
  lanesAClaim: number
  /** WEBHOOK_CLAIM_PASSES */
  lanesSeen: number
  /** RETENTION_SWEEP_MS */
  purgeMs: number
  /** How old the copy of the subscriptions may be that deliveries are sent by. */
  freshMs?: number
}

const paceOf = (options: WebhooksOptions): Pace => {
  const { concurrency, pollMs, gatherMs, directLimit, lanesAClaim, lanesSeen } = options
  return { concurrency, pollMs, gatherMs, directLimit, lanesAClaim, lanesSeen }
}

/** What one of the plugin's parts needs of the others. */
function assemble(app: FastifyInstance, options: WebhooksOptions) {
  const { timeoutMs, maxRetries, retryDelayMs, maxFailures } = options
  const logger = app.log.child({ context: 'WebhookService' })
  const database = app.store
  const defaults = { timeoutMs, maxRetries, retryDelayMs, maxInFlight: options.maxInFlight }
  const guard = createTargetGuard({
    allowed: options.allowedTargets,
    production: options.production,
  })
  const connections = createConnections({ guard, connectTimeoutMs: options.connectTimeoutMs })
  const sender = new Sender(connections, options.responseLimit)
  const registry = new Registry({ database, defaults, freshMs: options.freshMs ?? 250 })
  const { events } = app
  const log = new DeliveryLog(database, (ids, trx) => events.find(ids, trx))
  const bodies = createEventBodies({
    find: (ids) => events.find(ids),
    bytes: options.bodyCacheBytes,
  })
  const metrics = createMetrics({
    registry: app.registry,
    backlog: () => totalBacklog({ dispatcher, log }, registry),
  })
  const dispatcher = createDispatcher({
    database,
    registry,
    sender,
    log,
    bodies,
    logger,
    defaults,
    rules: { maxFailures, spacingMs: options.failureSpacingMs ?? retryDelayMs },
    pace: paceOf(options),
    breakerFailures: options.breakerFailures,
    observe: (outcome, seconds) => metrics.observe(outcome, seconds),
    onClaim: (durationMs, jobs) => metrics.claimed(durationMs, jobs),
    onSettled(statuses, changes) {
      metrics.settled(statuses)
      for (const { id: subscriptionId, disabled, recovered } of changes) {
        if (disabled !== undefined)
          logger.warn({ subscriptionId, reason: disabled }, 'webhook subscription deactivated')
        else if (recovered) logger.info({ subscriptionId }, 'webhook subscription recovered')
      }
    },
  })
  return { database, logger, defaults, guard, connections, sender, registry, log, dispatcher }
}

export default fp<WebhooksOptions>(
  async (app, options) => {
    const parts = assemble(app, options)
    const { database, registry, dispatcher, log, logger, connections } = parts
    const { retentionDays: days, purgeMs: everyMs, rampMs, pingTimeoutMs } = options
    const retention = createPeriodic({
      run: (signal) =>
        purgeDeliveries({ database, registry, dispatcher, log, logger, days }, signal),
      everyMs,
      log: logger,
      failure: 'old deliveries could not be removed',
    })
    app.events.participate((trx, events) => dispatcher.take(trx, events))
    app.events.keepFor(() => dispatcher.oldest())
    app.addHook('onReady', async () => {
      await registry.fresh()
      dispatcher.queue.start()
      await dispatcher.queue.started()
      retention.start()
    })
    app.addHook('onClose', async () => {
      await retention.close()
      await dispatcher.queue.close()
      await connections.close()
    })

    const { defaultSecret, maxSubscriptions: limit, prefix = '/api/v1/webhooks' } = options
    const list = createSubscriptionList(parts)
    const subscriptions = new Subscriptions({
      ...parts,
      defaultSecret,
      rampMs,
      limit,
      once: (trx, claim, work) => app.idempotency.once(trx, claim, work),
    })
    const ping = createPing({ ...parts, pingTimeoutMs })
    const routes = { subscriptions, list, ping }
    await app.register(subscriptionRoutes, { prefix: `${prefix}/subscriptions`, ...routes })
    const deliveries = new Deliveries(parts)
    const replay = createReplay({ ...parts, events: app.events })
    await app.register(deliveryRoutes, { prefix, deliveries, replay, list })
  },
  {
    name: '@potok/webhooks',
    fastify: '5.x',
    dependencies: [
      '@potok/state/store',
      '@potok/state/idempotency',
      '@potok/events',
      '@potok/api-key',
      '@potok/metrics',
    ],
  },
)

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
import { createDispatcher } from './dispatcher.ts'
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
  /** Deliveries of one subscription under way at once, when it says nothing else. */
  maxInFlight?: number
  maxSubscriptions?: number
  connectTimeoutMs?: number
  /** How long held deliveries take to reach their full pace after a re-activation. */
  rampMs?: number
  /** How old the copy of the subscriptions may be that deliveries are sent by. */
  freshMs?: number
  pollMs?: number
  purgeMs?: number
}

/** What one of the plugin's parts needs of the others. */
function assemble(app: FastifyInstance, options: WebhooksOptions) {
  const { timeoutMs, maxRetries, retryDelayMs, maxFailures, concurrency } = options
  const logger = app.log.child({ context: 'WebhookService' })
  const database = app.store
  const defaults = { timeoutMs, maxRetries, retryDelayMs, maxInFlight: options.maxInFlight ?? 8 }
  const guard = createTargetGuard({
    allowed: options.allowedTargets,
    production: options.production,
  })
  const connections = createConnections({
    guard,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
  })
  const sender = new Sender(connections)
  const registry = new Registry({ database, defaults, freshMs: options.freshMs ?? 250 })
  const log = new DeliveryLog(database)
  const metrics = createMetrics({
    registry: app.registry,
    backlog: () => totalBacklog({ dispatcher, log }, registry),
  })
  const dispatcher = createDispatcher({
    database,
    registry,
    sender,
    log,
    logger,
    defaults,
    concurrency,
    rules: { maxFailures, spacingMs: options.failureSpacingMs ?? retryDelayMs },
    pollMs: options.pollMs ?? 250,
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
    const { retentionDays: days, purgeMs: everyMs = 60_000, rampMs = 30_000 } = options
    const retention = createPeriodic({
      run: (signal) =>
        purgeDeliveries({ database, registry, dispatcher, log, logger, days }, signal),
      everyMs,
      log: logger,
      failure: 'old deliveries could not be removed',
    })
    app.events.participate((trx, events) => dispatcher.take(trx, events))
    app.addHook('onReady', async () => {
      await registry.fresh()
      dispatcher.queue.start()
      retention.start()
    })
    app.addHook('onClose', async () => {
      await retention.close()
      await dispatcher.queue.close()
      await connections.close()
    })

    const { defaultSecret, maxSubscriptions: limit = 1000, prefix = '/api/v1/webhooks' } = options
    const list = createSubscriptionList(parts)
    const subscriptions = new Subscriptions({
      ...parts,
      defaultSecret,
      rampMs,
      limit,
      once: (trx, claim, work) => app.idempotency.once(trx, claim, work),
    })
    const ping = createPing(parts)
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

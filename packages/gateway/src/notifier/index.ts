/**
 * Notifier: takes the state service's webhooks, each by one replica and until it is stored, so that people are told.
 */
import fp from 'fastify-plugin'
import { alertOf } from './alert.ts'
import { routes } from './routes.ts'
import { isWebhookEvent } from './schemas.ts'
import { webhookSecret } from './secret.ts'
import { createSubscription } from './subscription.ts'

export interface NotifierOptions {
  /** Origin under which the state service reaches this gateway. */
  internalUrl: string
  /** How often the subscription is looked after, milliseconds. */
  checkEveryMs?: number
}

const PREFIX = '/api/v1/internal'

export default fp<NotifierOptions>(
  async (app, { internalUrl, checkEveryMs = 60_000 }) => {
    const secret = await webhookSecret(app.store)
    const subscription = createSubscription({
      state: app.upstreams.state,
      log: app.log.child({ context: 'NotifierModule' }),
      url: `${internalUrl}${PREFIX}/events`,
      secret,
      checkEveryMs,
    })
    await app.register(routes, {
      prefix: PREFIX,
      secret,
      async take(delivery, correlationId) {
        if (delivery.event === 'webhook.ping') return
        if (isWebhookEvent(delivery)) {
          await app.store.write((trx) => app.notifications.put(trx, [alertOf(delivery)]))
        } else await app.bot.notifyTaskEvent(delivery, correlationId)
      },
    })
    app.health.part({
      name: 'notifier',
      required: false,
      check: async () => ({
        status: subscription.registered() ? ('up' as const) : ('down' as const),
      }),
    })
    // The state service may answer a subscription with a first delivery at once: we must be listening.
    app.addHook('onListen', async () => subscription.start())
    app.addHook('preClose', () => subscription.close())
  },
  {
    name: '@potok/gateway-notifier',
    fastify: '5.x',
    dependencies: [
      '@potok/gateway-store',
      '@potok/gateway-upstreams',
      '@potok/gateway-bot',
      '@potok/gateway-notifications',
    ],
  },
)

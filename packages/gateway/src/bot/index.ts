/**
 * Bot: the team in MAX chats. Takes the platform's updates at `/api/v1/bot/webhook` or by polling, and gives
 * `app.bot.notifyTaskEvent` to whoever receives the state service's events.
 */
import fp from 'fastify-plugin'
import type { EntityEvent } from '@potok/contracts/event'
import { announcementOf } from './announcement.ts'
import { createEngine } from './engine.ts'
import { DEFAULT_LIMITS, type BotOptions } from './options.ts'
import { routes } from './routes.ts'

export type { BotLimits, BotOptions } from './options.ts'

interface BotDoor {
  /**
   * Tells those concerned of a change of a task. Resolves when that is stored; a repetition changes nothing.
   * @throws DatabaseUnavailable
   */
  notifyTaskEvent: (event: EntityEvent, correlationId: string) => Promise<void>
}

declare module 'fastify' {
  interface FastifyInstance {
    bot: BotDoor
  }
}

const PREFIX = '/api/v1/bot'

export default fp<BotOptions>(
  async (app, options) => {
    const log = app.log.child({ context: 'BotModule' })
    const { token, mode, webhookSecret } = options
    if (token === undefined) {
      log.info('no MAX_BOT_TOKEN: there is no bot')
      app.decorate('bot', { notifyTaskEvent: async () => undefined })
      const nobody = { secret: undefined, receive: async () => undefined }
      await app.register(routes, { prefix: PREFIX, ...nobody })
      app.health.part({ name: 'bot', required: false, check: async () => ({ status: 'off' }) })
      return
    }
    const engine = createEngine({
      bot: { ...options, token },
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      database: app.store,
      state: app.upstreams.state,
      admin: app.upstreams.admin,
      redeemLinkCode: (code, by, keep) => app.auth.redeemLinkCode(code, by, keep),
      announce: async (trx, taskId, notices) => {
        const given = notices.map((notice) => announcementOf(taskId, notice))
        await app.notifications.put(
          trx,
          given.filter((one) => one !== undefined),
        )
      },
      registry: app.registry,
      log,
    })
    app.decorate('bot', { notifyTaskEvent: engine.notifyTaskEvent })
    await app.register(routes, {
      prefix: PREFIX,
      secret: mode === 'webhook' ? webhookSecret : undefined,
      receive: engine.receive,
    })
    app.health.part({
      name: 'bot',
      required: false,
      check: async () => ({ status: engine.healthy() ? 'up' : 'down', detail: mode }),
    })
    // The platform may call as soon as it knows our address: we must be listening.
    app.addHook('onListen', async () => engine.start())
    app.addHook('preClose', () => engine.close())
  },
  {
    name: '@potok/gateway-bot',
    fastify: '5.x',
    dependencies: [
      '@potok/gateway-store',
      '@potok/gateway-upstreams',
      '@potok/gateway-auth',
      '@potok/gateway-notifications',
      '@potok/health',
      '@potok/metrics',
    ],
  },
)

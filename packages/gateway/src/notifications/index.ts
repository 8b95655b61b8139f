/**
 * Notifications: what people are told at the dashboard. Stored, kept until seen, handed to every socket of the person
 * on any replica. `app.notifications` is for those who tell and for the sockets.
 */
import fp from 'fastify-plugin'
import { notificationMetrics } from './metrics.ts'
import { createNotifications, type Notifications } from './notifications.ts'
import { createRecipientCheck } from './recipient.ts'
import { routes } from './routes.ts'

export { audiencesOf } from './audience.ts'
export type { Notifications } from './notifications.ts'
export type { NewNotification } from './rows.ts'

export interface NotificationsOptions {
  /** `NOTIFICATION_RETENTION_DAYS` */
  retentionDays: number
  /** Between two looks for what other replicas stored, milliseconds. Default 500. */
  pollMs?: number
  /** Unseen ones that a person is told on connecting, the newest. Default 100. */
  unseenMost?: number
  /** Between two removals of what is past its retention. Default one hour. */
  purgeMs?: number
}

declare module 'fastify' {
  interface FastifyInstance {
    notifications: Notifications
  }
}

const DAY_MS = 86_400_000

export default fp<NotificationsOptions>(
  async (app, { retentionDays, ...options }) => {
    const log = app.log.child({ context: 'NotificationsModule' })
    const notifications = createNotifications({
      database: app.store,
      log,
      metrics: notificationMetrics(app.registry),
      pollMs: options.pollMs ?? 500,
      unseenMost: options.unseenMost ?? 100,
    })
    app.decorate('notifications', notifications)
    await notifications.start()
    const purge = setInterval(() => {
      notifications.purge(retentionDays * DAY_MS).catch((err: unknown) => {
        log.error({ err }, 'old notifications could not be removed')
      })
    }, options.purgeMs ?? 3_600_000)
    app.addHook('onClose', async () => {
      clearInterval(purge)
      await notifications.close()
    })
    await app.register(routes, {
      prefix: '/api/v1/notifications',
      checkRecipient: createRecipientCheck(app.upstreams.admin),
      notify: async (given) => {
        const [stored] = await app.store.write((trx) => notifications.put(trx, [given]))
        if (stored === undefined) throw new Error('A notification without a key was there already')
        return stored
      },
    })
  },
  {
    name: '@potok/gateway-notifications',
    fastify: '5.x',
    dependencies: [
      '@potok/gateway-store',
      '@potok/gateway-upstreams',
      '@potok/gateway-access',
      '@potok/metrics',
    ],
  },
)

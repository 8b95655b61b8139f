/**
 * Events: `app.stateEvents`, the state service's event log as this replica follows it, for sockets and caches.
 */
import fp from 'fastify-plugin'
import { Feed } from './feed.ts'

export type { Feed, FeedListener } from './feed.ts'

export interface EventsOptions {
  /** Origin of the state service. */
  origin: string
  apiKey: string
}

declare module 'fastify' {
  interface FastifyInstance {
    stateEvents: Feed
  }
}

export default fp<EventsOptions>(
  async (app, { origin, apiKey }) => {
    const feed = new Feed({ origin, apiKey, log: app.log.child({ context: 'EventsModule' }) })
    app.decorate('stateEvents', feed)
    app.health.part({
      name: 'eventStream',
      required: false,
      check: async () => ({ status: feed.connected() ? ('up' as const) : ('down' as const) }),
    })
    app.addHook('onReady', async () => feed.start())
    app.addHook('onClose', () => feed.close())
  },
  { name: '@potok/gateway-events', fastify: '5.x' },
)

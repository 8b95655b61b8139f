/**
 * Events: `app.stateEvents`, the state service's event log as this replica follows it, for sockets and caches.
 */
import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import { Agent } from 'undici'
import type { EventLogItem } from '@potok/contracts/event'
import { Feed, type FeedListener } from './feed.ts'
import { createItemReader } from './items.ts'
import { createLogPages } from './log-pages.ts'
import { feedMetrics } from './metrics.ts'
import { createMissed } from './missed.ts'
import { Recent } from './recent.ts'

export { positionOf } from './cursor.ts'

export interface EventsOptions {
  /** Origin of the state service. */
  origin: string
  apiKey: string
  /** Silence after which the stream counts as dead; its heartbeats come every 15 s. Default 40 000. */
  silenceMs?: number
  reconnectMs?: number
  reconnectMostMs?: number
  /** Events that `missed` gives at most. Default 1 000. */
  missedMost?: number
  /** Readings of the log at once. Default 4. */
  missedAtOnce?: number
  /** How long `missed` tries while the state service does not answer. Default 10 000. */
  missedPatienceMs?: number
}

/** The event log as this replica follows it. */
export interface StateEvents {
  /** Position of the newest event that listeners were told; undefined before the first contact. */
  cursor: () => string | undefined
  /** The same, waiting for the first contact if need be. */
  contact: (withinMs: number) => Promise<string | undefined>
  connected: () => boolean
  /** From now on, in log order; what came before the first contact is not told. */
  listen: (listener: FeedListener) => void
  /**
   * What followed a cursor, up to where the listeners are or further.
   * @returns undefined when it cannot be continued, or more than `missedMost` were missed
   * @throws when the state service does not answer
   */
  missed: (since: string) => Promise<EventLogItem[] | undefined>
}

declare module 'fastify' {
  interface FastifyInstance {
    stateEvents: StateEvents
  }
}

const HEADERS_TIMEOUT_MS = 10_000

/** The follower of the log and what it keeps for those who come back. */
function createParts(options: EventsOptions, dispatcher: Agent, log: FastifyBaseLogger) {
  const { origin, apiKey } = options
  const most = options.missedMost ?? 1000
  const closing = new AbortController()
  const reader = createItemReader(log)
  const recent = new Recent(most)
  const feed = new Feed({
    origin,
    apiKey,
    dispatcher,
    reader,
    log,
    reconnectMs: options.reconnectMs ?? 100,
    // A dashboard shall see a change within a second, also the first one after an outage.
    reconnectMostMs: options.reconnectMostMs ?? 1000,
  })
  const missed = createMissed({
    page: createLogPages({ origin, apiKey, dispatcher, reader, signal: closing.signal }),
    recent,
    head: () => feed.cursor(),
    most,
    atOnce: options.missedAtOnce ?? 4,
    patienceMs: options.missedPatienceMs ?? 10_000,
    signal: closing.signal,
  })
  feed.listen({
    contact: (cursor) => recent.restart(cursor),
    event: (item, before) => recent.add(item, before),
    reset(cursor) {
      recent.restart(cursor)
      missed.forget()
    },
  })
  return { feed, missed, closing }
}

export default fp<EventsOptions>(
  async (app, options) => {
    const dispatcher = new Agent({
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: options.silenceMs ?? 40_000,
    })
    const log = app.log.child({ context: 'EventsModule' })
    const { feed, missed, closing } = createParts(options, dispatcher, log)
    feed.listen(feedMetrics(app.registry, () => feed.connected()))
    app.decorate('stateEvents', {
      cursor: () => feed.cursor(),
      contact: (withinMs) => feed.contact(withinMs),
      connected: () => feed.connected(),
      listen: (listener) => feed.listen(listener),
      missed: (since) => missed.after(since),
    })
    app.health.part({
      name: 'eventStream',
      required: false,
      check: async () => ({ status: feed.connected() ? ('up' as const) : ('down' as const) }),
    })
    app.addHook('onReady', async () => feed.start())
    app.addHook('onClose', async () => {
      closing.abort()
      await feed.close()
      await dispatcher.destroy()
    })
  },
  {
    name: '@potok/gateway-events',
    fastify: '5.x',
    dependencies: ['@potok/health', '@potok/metrics'],
  },
)

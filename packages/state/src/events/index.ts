/**
 * Events: `app.events` to put events into the log with the change that made them, and the log for everybody who
 * follows: `GET /events`, `GET /events/stream` (resumable Server-Sent Events), `POST /events`.
 */
import type { AnyTransaction } from '@potok/core/database'
import fp from 'fastify-plugin'
import { Gauge, type Registry } from 'prom-client'
import { createEventLog, type EventLog } from './event-log.ts'
import { createFeed, type EventFeed } from './feed.ts'
import { createPages } from './pages.ts'
import { createPublisher } from './publish.ts'
import { createReader, type EventReader } from './reader.ts'
import { createPeriodic } from '../lib/periodic.ts'
import { purgeEvents } from './retention.ts'
import { routes } from './routes.ts'
import { Sequencer } from './sequencer.ts'
import { Tail } from './tail.ts'

export { serialise, type EventLog, type NewEvent, type StoredEvent } from './event-log.ts'
export { randomEventId } from './event-id.ts'
export type { EventFeed } from './feed.ts'

export interface EventsOptions {
  prefix?: string
  /** EVENT_RETENTION_DAYS */
  retentionDays: number
  /** STREAM_MAX_CLIENTS */
  maxStreams: number
  /** EVENT_POLL_MS: how often the store is asked for what other replicas wrote. */
  pollMs?: number
  /** STREAM_HEARTBEAT_MS */
  heartbeatMs?: number
  /** STREAM_STALL_MS: a stream's reader that takes nothing for so long is cut off. */
  stallMs?: number
  /** RETENTION_SWEEP_MS: how often what is past its retention is removed. */
  purgeMs?: number
}

declare module 'fastify' {
  interface FastifyInstance {
    events: EventLog & {
      /** What the log tells is not all any more: whoever follows it is told to begin anew. In the caller's transaction. */
      restart: (trx: AnyTransaction) => Promise<void>
      /**
       * Retention leaves alone what somebody needs still.
       * @param from resolves to the epoch ms of the oldest event that he needs; undefined: none
       */
      keepFor: (from: () => Promise<number | undefined>) => void
    }
    eventFeed: EventFeed
  }
}

function countReaders(registry: Registry, reader: EventReader): void {
  const gauge: Gauge = new Gauge({
    name: 'event_stream_clients',
    help: 'Readers that follow the event stream',
    registers: [registry],
    collect: (): void => gauge.set(reader.count()),
  })
}

export default fp<EventsOptions>(
  async (app, options) => {
    const log = app.log.child({ context: 'EventLog' })
    const database = app.store
    const sequencer = new Sequencer(database)
    const { signals } = database
    const tail = new Tail({ sequencer, log, signals, pollMs: options.pollMs ?? 500 })
    const pages = createPages({ database })
    const reader = createReader({
      tail,
      pages,
      log,
      maxStreams: options.maxStreams,
      heartbeatMs: options.heartbeatMs ?? 15_000,
      stallMs: options.stallMs ?? 30_000,
    })
    const { retentionDays: days, purgeMs: everyMs = 60_000 } = options
    const needs: (() => Promise<number | undefined>)[] = []
    const neededFrom = async (): Promise<number | undefined> => {
      const moments = await Promise.all(needs.map((from) => from()))
      const known = moments.filter((at) => at !== undefined)
      return known.length === 0 ? undefined : Math.min(...known)
    }
    const retention = createPeriodic({
      run: (signal) => purgeEvents({ database, log, days, neededFrom }, signal),
      everyMs,
      log,
      failure: 'old events could not be removed',
    })
    const eventLog = createEventLog({ database, committed: () => tail.wake() })
    app.decorate('events', {
      ...eventLog,
      restart: async (trx) => {
        await sequencer.restart(trx)
        database.afterCommit(trx, () => tail.wake())
      },
      keepFor: (from) => void needs.push(from),
    })
    app.decorate('eventFeed', createFeed(tail, pages))

    await tail.start()
    retention.start()
    app.addHook('preClose', async () => reader.close('the service shuts down'))
    app.addHook('onClose', async () => {
      await Promise.all([tail.close(), retention.close()])
    })
    countReaders(app.registry, reader)
    const publish = createPublisher({
      database,
      log: eventLog,
      once: (trx, claim, work) => app.idempotency.once(trx, claim, work),
    })
    await app.register(routes, { prefix: options.prefix ?? '/api/v1/events', reader, publish })
  },
  {
    name: '@potok/events',
    fastify: '5.x',
    dependencies: [
      '@potok/state/store',
      '@potok/state/idempotency',
      '@potok/api-key',
      '@potok/metrics',
    ],
  },
)

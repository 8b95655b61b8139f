/**
 * External DB: the newest version of every changed state is carried to another service, for as long as it takes, and what
 * this store never had is looked up there. `app.externalDb`, where one is configured.
 */
import type { AnyTransaction } from '@potok/core/database'
import type { CircuitState } from '@potok/core/http-client'
import fp from 'fastify-plugin'
import { createClient, type Client, type ClientOptions } from './client.ts'
import { externalDbMetrics } from './metrics.ts'
import { Outage } from './outage.ts'
import { createParked } from './parked.ts'
import { createReadThrough, type ReadThrough } from './read-through.ts'
import { routes } from './routes.ts'
import { createSync } from './sync.ts'
import type { SyncJob } from './sync-job.ts'

export type { ReadThrough } from './read-through.ts'

export interface ExternalDbOptions extends Omit<ClientOptions, 'url'> {
  /** EXTERNAL_DB_URL; undefined: there is none. */
  url: string | undefined
  /** Entities on their way at once. */
  concurrency?: number
  /** The longest that a reader of an unknown entity waits, milliseconds. */
  readDeadlineMs?: number
  pollMs?: number
}

export interface ExternalDb {
  /** What it has of an entity that this store never had. */
  find: (entity: string, id: string) => Promise<ReadThrough>
  /** Puts changes on their way that no event tells of. In their transaction. */
  changed: (trx: AnyTransaction, entities: readonly SyncJob[]) => Promise<void>
  /** The breaker of the requests to it. */
  circuit: () => CircuitState
  /** It has given a sign of life: what waits need not wait for the end of a pause. */
  hurry: () => void
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Undefined: none is configured. */
    externalDb: ExternalDb | undefined
  }
}

/** How long a health check waits: less than the health waits for the check. */
const HEALTH_DEADLINE_MS = 1500

/** Can it do its job, as it says itself? */
async function isUp(client: Pick<Client, 'request'>): Promise<boolean> {
  try {
    const { status } = await client.request({
      method: 'GET',
      path: '/health/readiness',
      deadlineMs: HEALTH_DEADLINE_MS,
    })
    return status < 500
  } catch {
    // Whatever the reason, it is the health of the other side that is asked for.
    return false
  }
}

export default fp<ExternalDbOptions>(
  async (app, { url, apiKey, timeoutMs, attempts, concurrency = 8, ...options }) => {
    if (url === undefined) {
      app.decorate('externalDb', undefined)
      return
    }
    const { store } = app
    const log = app.log.child({ context: 'ExternalDb' })
    const outage = new Outage()
    const parked = createParked(store)
    const metrics = externalDbMetrics(app.registry, {
      backlog: () => sync.backlog(),
      parked: () => parked.count(),
    })
    const client = createClient({ url, apiKey, timeoutMs, attempts }, log, metrics.observer)
    const sync = createSync({
      store,
      client,
      outage,
      parked,
      log,
      timeoutMs,
      concurrency,
      pollMs: options.pollMs ?? 500,
      count: metrics.wrote,
    })
    const deadlineMs = Math.min(options.readDeadlineMs ?? 2000, timeoutMs)
    const find = createReadThrough({ store, client, log, deadlineMs, count: metrics.read })

    app.events.participate((trx, events) => sync.take(trx, events))
    app.addHook('onReady', async () => sync.queue.start())
    app.addHook('preClose', async () => outage.close())
    app.addHook('onClose', async () => {
      await sync.queue.close()
      await client.close()
    })
    app.health.part({
      name: 'externalDb',
      readinessKey: 'externalDb',
      required: false,
      check: async () => {
        const [answers, { pending: backlog, oldestMs }, count] = await Promise.all([
          isUp(client),
          sync.backlog(),
          parked.count(),
        ])
        if (answers && backlog > 0) outage.hurry()
        else if (answers) outage.worked()
        // It may answer here and refuse what it is there for, because of our key for instance.
        const status = answers && outage.failures === 0 ? ('up' as const) : ('down' as const)
        return { status, backlog, oldestMs, parked: count }
      },
    })
    app.decorate('externalDb', {
      find,
      changed: (trx, entities) => sync.changed(trx, entities),
      circuit: () => client.circuit.state,
      hurry: () => outage.hurry(),
    })
    await app.register(routes, { prefix: '/api/v1/external-db', sync, parked, outage })
  },
  {
    name: '@potok/state/external-db',
    fastify: '5.x',
    dependencies: [
      '@potok/api-key',
      '@potok/health',
      '@potok/metrics',
      '@potok/state/store',
      '@potok/events',
    ],
  },
)

/**
 * Cache: the levels in front of `GET /states/:entity/:id`: the memory of the process or a local Redis, then the global
 * Redis. `app.stateCache` for the plugin that reads and writes states.
 */
import { performance } from 'node:perf_hooks'
import fp from 'fastify-plugin'
import { createAnnouncements } from './announcements.ts'
import { createCaching, type Caching } from './caching.ts'
import { createInvalidation, type Invalidation } from './invalidation.ts'
import { connectLevels, type RedisAddresses } from './levels.ts'
import { ListCache, type RememberedList } from './list-cache.ts'
import { createMemory } from '../lib/memory.ts'
import { cacheMetrics } from './metrics.ts'
import { listenToReplicas, type Replicas } from './replicas.ts'
import { routes } from './routes.ts'
import { StateCache, type Remembered } from './state-cache.ts'
import { createTimeToLive } from './ttl-rules.ts'

export type { ListAnswer } from './caching.ts'
export type { Loaded, Written } from './state-cache.ts'

export interface CacheOptions {
  /** `local` stands in for the memory of the process. */
  redis: RedisAddresses
  /** CACHE_TTL */
  ttl: string | undefined
  /** CACHE_DEGRADED_TTL, milliseconds. */
  degradedTtlMs: number
  /** CACHE_MAX_ENTRIES */
  entries: number
  /** CACHE_MAX_BYTES; in characters, most of which are one byte in memory. */
  characters: number
  /** How often invalidations of other replicas are looked for. */
  pollMs?: number
}

export type StateCaching = Caching & Invalidation

declare module 'fastify' {
  interface FastifyInstance {
    stateCache: StateCaching
  }
}

/** Part of the memory that is for lists. */
const LIST_SHARE = 1 / 8

export default fp<CacheOptions>(
  async (app, { redis, ttl, degradedTtlMs, entries, characters, pollMs = 500 }) => {
    const { store, eventFeed: feed } = app
    const log = app.log.child({ context: 'Cache' })
    const sized = (part: number) => ({ entries: entries * part, characters: characters * part })
    const memory = createMemory<Remembered>(sized(1 - LIST_SHARE))
    const listMemory = createMemory<RememberedList>(sized(LIST_SHARE))
    const metrics = cacheMetrics(app.registry, () => memory.count() + listMemory.count())
    const levels = await connectLevels(app, redis, metrics)

    // Over an embedded store there are no others.
    let replicas: Replicas | undefined
    const shared = {
      keepsBodies: redis.local === undefined,
      levels,
      ttl: createTimeToLive(ttl),
      isCurrent: () => replicas?.isCurrent() ?? true,
      count: metrics.count,
      now: () => performance.now(),
    }
    const cache = new StateCache({ ...shared, memory, degradedTtlMs })
    const lists = new ListCache({ ...shared, memory: listMemory })
    const caching = createCaching(cache, lists)
    const announcements = createAnnouncements({
      store,
      heard: (pattern) => invalidation.forget(pattern),
    })
    const { invalidated } = metrics
    const invalidation = createInvalidation({ cache, lists, levels, announcements, invalidated })

    if (store.dialect === 'postgres') {
      await announcements.start()
      replicas = listenToReplicas({
        feed,
        announcements,
        changed: (changes) => caching.noticed(changes),
        reset: () => caching.reset(),
        log,
        pollMs,
      })
      app.addHook('preClose', () => replicas?.close())
    }
    app.decorate('stateCache', { ...caching, ...invalidation })
    await app.register(routes, { prefix: '/api/v1/cache', invalidation })
  },
  {
    name: '@potok/state/cache',
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

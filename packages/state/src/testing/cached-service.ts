import type { RedisServer } from '@potok/core/testing/redis-server'
import cache from '../cache/index.ts'
import events from '../events/index.ts'
import machines from '../machines/index.ts'
import { cacheOptions } from '../plugin-options.ts'
import states from '../states/index.ts'
import { createService, type ServiceOptions } from './service.ts'
import { callerOf } from './state-service.ts'

/** The variables that make a Redis the global level. */
export const globalRedis = ({ port }: Pick<RedisServer, 'port'>): Record<string, string> => ({
  REDIS_GLOBAL_ENABLED: 'true',
  REDIS_GLOBAL_HOST: '127.0.0.1',
  REDIS_GLOBAL_PORT: String(port),
})

/** The variables that make a Redis the local level. */
export const localRedis = ({ port }: Pick<RedisServer, 'port'>): Record<string, string> => ({
  REDIS_LOCAL_HOST: '127.0.0.1',
  REDIS_LOCAL_PORT: String(port),
})

/** States with their cache, and how to call them. Two services with one place are replicas. */
export async function createCachedService(options: ServiceOptions = {}) {
  const { app, config } = await createService(options)
  await app.register(events, { retentionDays: 30, maxStreams: 4 })
  await app.register(cache, cacheOptions(config))
  await app.register(machines)
  await app.register(states, {
    cache: app.stateCache,
    metadataLimitBytes: config.METADATA_LIMIT,
    sweepMs: 3_600_000,
  })
  await app.ready()
  const call = callerOf(app)
  return {
    app,
    call,
    /** Empties the memory, as if the process had just come. */
    forget: () => app.stateCache.forget('state:*'),
    /** Reads a task. */
    read: async (id: string, headers?: Record<string, string>) => {
      const reply = await call('GET', `states/task/${id}`, undefined, headers)
      const { status, body } = reply
      const version: number = body.version
      return { status, level: reply.headers['x-cache'], version, body }
    },
    /** Makes a task, or changes its metadata. @returns the version */
    write: async (id: string, n = 0): Promise<number> => {
      const { body } = await call('POST', 'states/task', { entityId: id, metadata: { n } })
      return body.version
    },
  }
}

export type CachedService = Awaited<ReturnType<typeof createCachedService>>

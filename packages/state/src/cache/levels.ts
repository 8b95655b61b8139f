import redis from '@potok/core/redis'
import type { FastifyInstance } from 'fastify'
import type { CacheMetrics } from './metrics.ts'
import { redisHealth } from './redis-health.ts'
import { RedisLevel, type LevelName } from './redis-level.ts'

export interface RedisAddress {
  host: string
  port: number
  db: number
  password: string | undefined
}

/** Undefined: there is none. */
export type RedisAddresses = Readonly<Record<LevelName, RedisAddress | undefined>>

/** Connects the levels that are configured, in the order in which they are asked, and tells how they do. */
export async function connectLevels(
  app: FastifyInstance,
  { local, global }: RedisAddresses,
  metrics: CacheMetrics,
): Promise<RedisLevel[]> {
  const levels: RedisLevel[] = []
  const wanted = [
    { name: 'local' as const, address: local },
    { name: 'global' as const, address: global },
  ]
  for (const { name, address } of wanted) {
    if (address === undefined) continue
    await app.register(redis, { ...address, namespace: name, observe: metrics.observe(name) })
    const link = app.redisLinks.get(name)
    if (link === undefined) continue
    levels.push(new RedisLevel({ name, link, log: app.log, failed: metrics.failed }))
  }
  if (levels.length > 0) {
    app.health.part({
      name: 'redis',
      readinessKey: 'redis',
      required: false,
      check: () => redisHealth(app.redisLinks),
    })
  }
  return levels
}

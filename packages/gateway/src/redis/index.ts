/**
 * Redis, where it is configured, for what may be lost: its health, its metric, and `redisLink` for those who use it.
 */
import fp from 'fastify-plugin'
import { Histogram } from 'prom-client'
import redis, { type RedisLink } from '@potok/core/redis'

export interface GatewayRedisOptions {
  /** Undefined: there is no Redis. */
  host: string | undefined
  port: number
  password: string | undefined
  db: number
  keyPrefix: string
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Undefined without Redis. */
    redisLink: RedisLink | undefined
  }
}

const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1]
const MEBIBYTE = 1_048_576

export default fp<GatewayRedisOptions>(
  async (app, options) => {
    const operations = new Histogram({
      name: 'redis_operations_duration_seconds',
      help: 'Redis commands by operation',
      labelNames: ['operation', 'outcome'] as const,
      buckets: BUCKETS,
      registers: [app.registry],
    })
    await app.register(redis, {
      ...options,
      observe: (operation, seconds, outcome) => operations.observe({ operation, outcome }, seconds),
    })
    const link = app.redisLinks.get('default')
    app.decorate('redisLink', link)
    if (link === undefined) return
    app.health.part({
      name: 'redis',
      readinessKey: 'redis',
      required: false,
      check: async () => {
        const status = await link.status()
        if (status.status === 'down') return { status: 'down', connected: false, memory: null }
        const { latencyMs, memoryBytes: bytes } = status
        const memory = bytes === null ? null : `${(bytes / MEBIBYTE).toFixed(1)}MB`
        return { status: 'up', latencyMs, connected: true, memory }
      },
    })
  },
  {
    name: '@potok/gateway-redis',
    fastify: '5.x',
    dependencies: ['@potok/health', '@potok/metrics'],
  },
)

/**
 * Redis, where it is configured: `app.redisLinks` for what may be missing, with deadline and fallback; `app.redis` of
 * @fastify/redis, the bare connections, for subscriptions.
 */
import fastifyRedis from '@fastify/redis'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { RedisLink, type RedisLinkOptions } from './link.ts'

export { RedisUnavailable } from './errors.ts'
export type { RedisLink, RedisOutcome, RedisStatus } from './link.ts'

export interface RedisOptions extends Omit<RedisLinkOptions, 'name' | 'host' | 'log' | 'now'> {
  /** `app.redis[namespace]`; without it the connection is `app.redis` itself. */
  namespace?: string
  /** Undefined: there is no Redis, and no link. */
  host: string | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    /** By namespace, `default` without one; only those that are configured. */
    redisLinks: Map<string, RedisLink>
  }
}

export default fp<RedisOptions>(
  async (app, { namespace, host, ...connection }) => {
    if (!app.hasDecorator('redisLinks')) app.decorate('redisLinks', new Map<string, RedisLink>())
    if (host === undefined) return

    const name = namespace ?? 'default'
    const link = new RedisLink({ ...connection, name, host, log: app.log })
    app.redisLinks.set(name, link)
    app.addHook('onClose', async () => link.close())
    await registerClient(app, link, namespace)
    // The boot does not wait for it: whoever needs it finds it when it is there. Failures come as `error` events.
    link.client.connect().catch(() => {})
  },
  { name: '@potok/redis', fastify: '5.x' },
)

/**
 * @fastify/redis holds the boot until its client is ready, and avvio ends a boot that is held: a missing Redis would be a
 * missing service. A client that is ready already is taken as it is, so ours says so for the moment of its registration.
 */
async function registerClient(app: FastifyInstance, { client }: RedisLink, namespace?: string) {
  const { status } = client
  client.status = 'ready'
  try {
    await app.register(fastifyRedis, { client, ...(namespace !== undefined && { namespace }) })
  } finally {
    client.status = status
  }
}

/**
 * Rate limit: every request of the process is counted per caller, in Redis when there is one, here when there is not.
 * A route opts out with `config: { rateLimit: false }`; `app.rateLimiter(policy)` makes further limits for single routes.
 */
import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { RedisLink } from '../redis/index.ts'
import { createCounters } from './counters.ts'
import { rateLimitExceeded } from './errors.ts'
import { storeOf } from './store.ts'

/** With it the route option `rateLimit` is known wherever this plugin is imported. */
export type { RateLimitOptions as RouteRateLimit } from '@fastify/rate-limit'

export interface RateLimitPolicy {
  /** In the headers and in the keys: lower-case letters, digits and hyphens. */
  name: string
  /** Requests in a window. */
  limit: number
  ttlSeconds: number
  /** Whose bucket a request falls into; undefined: it is not counted. */
  keyOf: (request: FastifyRequest) => string | undefined
}

export interface RateLimitOptions {
  /** Requests of one caller in a window; 0: no limit. */
  limit: number
  ttlSeconds: number
  /** Counts together with the other replicas. */
  redis?: RedisLink | undefined
  /** Default: by client address, IPv6 by its /64. */
  keyOf?: (request: FastifyRequest) => string
  /** Requests that are not counted, beside those of routes that opted out. `route` is `request.routeOptions`. */
  skip?: (request: FastifyRequest, route: FastifyRequest['routeOptions']) => boolean
  /** How long a request waits for Redis. */
  commandDeadlineMs?: number
  /** Callers remembered in this process. */
  maxKeys?: number
  /** Epoch milliseconds. */
  now?: () => number
}

/** Whose bucket a request falls into; put where the key is asked for, which must not be found out twice. */
const bucketKey = Symbol('potok.rate-limit-bucket')

type Limiter = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

declare module 'fastify' {
  interface FastifyRequest {
    [bucketKey]: string
  }
  interface FastifyInstance {
    /** A hook that counts by this policy, tells it in the headers, and throws `RATE_LIMIT_EXCEEDED`. */
    rateLimiter: (policy: RateLimitPolicy) => Limiter
  }
}

/** A customer of a provider has a /64 of IPv6 or more: single addresses are free. */
const IPV6_PREFIX = 64
const MAX_KEY_LENGTH = 128
const POLICY_NAME = /^[a-z][a-z0-9-]{0,31}$/

/** The client's address as a key. An address that is no address (a forged header) is one too, cut short. */
export function addressKey({ ip }: { ip: string | undefined }): string {
  // A connection that is gone already has no address.
  const address = ip ?? 'unknown'
  // Without a colon it is no IPv6, which to find out otherwise takes a pattern of a thousand characters.
  const key = address.includes(':') ? normalizeIP(address, IPV6_PREFIX) : address.toLowerCase()
  return key.slice(0, MAX_KEY_LENGTH)
}

export default fp<RateLimitOptions>(
  async (app, options) => {
    const { limit, ttlSeconds, keyOf = addressKey, skip = () => false } = options
    const counters = createCounters({
      link: options.redis,
      deadlineMs: options.commandDeadlineMs ?? 25,
      maxKeys: options.maxKeys ?? 20_000,
      now: options.now ?? Date.now,
    })
    await app.register(rateLimit, {
      // Its own hooks know only the header fields of older drafts.
      global: false,
      store: storeOf(counters),
    })
    app.decorateRequest(bucketKey, '')
    app.decorate('rateLimiter', ({ name, keyOf: bucketOf, ...policy }: RateLimitPolicy) => {
      if (!POLICY_NAME.test(name))
        throw new TypeError(`"${name}" is no name of a rate limit policy`)
      const check = app.createRateLimit({
        max: policy.limit,
        timeWindow: policy.ttlSeconds * 1000,
        keyGenerator: (request) => request[bucketKey],
      })
      return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
        const bucket = bucketOf(request)
        if (bucket === undefined) return
        request[bucketKey] = `${name}:${bucket}`
        const state = await check(request)
        if (state.isAllowed) return
        addField(reply, 'ratelimit-policy', `"${name}";q=${policy.limit};w=${policy.ttlSeconds}`)
        addField(reply, 'ratelimit', `"${name}";r=${state.remaining};t=${state.ttlInSeconds}`)
        if (state.isExceeded) throw rateLimitExceeded(Math.max(1, state.ttlInSeconds))
      }
    })
    if (limit === 0) return

    const limiter = app.rateLimiter({ name: 'default', limit, ttlSeconds, keyOf })
    app.addHook('onRequest', (request, reply, proceed) => {
      // Put together anew each time it is asked for.
      const route = request.routeOptions
      if (route.config.rateLimit === false || skip(request, route)) proceed()
      else limiter(request, reply).then(() => proceed(), proceed)
    })
  },
  { name: '@potok/rate-limit', fastify: '5.x' },
)

/** Both fields are lists: a second policy stands beside the first (draft-ietf-httpapi-ratelimit-headers). */
function addField(reply: FastifyReply, field: string, item: string): void {
  const before = reply.getHeader(field)
  reply.header(field, before === undefined ? item : `${String(before)}, ${item}`)
}

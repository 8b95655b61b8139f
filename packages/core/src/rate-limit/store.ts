import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit'
import type { Counters } from './counters.ts'

/** The counters as @fastify/rate-limit wants them: a class that it makes itself. */
export function storeOf(counters: Counters): FastifyRateLimitStoreCtor {
  return class Store implements FastifyRateLimitStore {
    incr(...[key, counted, windowMs, limit]: Parameters<FastifyRateLimitStore['incr']>): void {
      counters.hit(key, windowMs, limit).then((count) => counted(null, count), counted)
    }

    /** All policies count in one place; their names are in the keys. */
    child(): FastifyRateLimitStore {
      return this
    }
  }
}

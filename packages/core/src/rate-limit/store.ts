import { callbackify } from 'node:util'
import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit'
import type { Counters } from './counters.ts'

/** The counters as @fastify/rate-limit wants them: a class that it makes itself. */
export function storeOf(counters: Counters): FastifyRateLimitStoreCtor {
  const hit = callbackify(counters.hit)
  return class Store implements FastifyRateLimitStore {
    incr(...[key, callback, windowMs, limit]: Parameters<FastifyRateLimitStore['incr']>): void {
      hit(key, windowMs, limit, callback)
    }

    /** All policies count in one place; their names are in the keys. */
    child(): FastifyRateLimitStore {
      return this
    }
  }
}

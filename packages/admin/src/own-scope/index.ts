/**
 * Own scope: an actor sent with `x-actor-scope: own` reaches only routes that say `config: {self: true}`, and there
 * only itself. Every other route is closed to it without saying so.
 */
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Caller } from '@potok/core/api-key'
import { OwnScopeExceeded } from './errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A person may call this route for itself: the path's `id` is the person. */
    self?: boolean
  }
}

function isSelf({ caller, params, routeOptions }: FastifyRequest): boolean {
  if (routeOptions.config.self !== true) return false
  if (typeof params !== 'object' || params === null || !('id' in params)) return false
  return caller.actor === `user:${String(params.id)}`
}

export default fp(
  async (app) => {
    // After every onRequest hook: by then the route's guard has said who calls.
    app.addHook('preParsing', async (request) => {
      // Public and unknown routes have no caller.
      const { caller }: { caller?: Caller } = request
      if (caller?.scope === 'own' && !isSelf(request)) throw new OwnScopeExceeded()
    })
  },
  { name: '@potok/own-scope', fastify: '5.x', dependencies: ['@potok/api-key'] },
)

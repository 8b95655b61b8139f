/**
 * Access: a route without a guard does not boot. Guards are marked hooks; a public route says `config: {public: true}`.
 */
import type { onRequestHookHandler, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'

const guards = new WeakSet<object>()

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Anybody may call this route. Without it a route needs a guard. */
    public?: boolean
    /** Log requests of this route at debug only. */
    quiet?: boolean
  }
}

/** Marks a hook as one that decides who may call. */
export function guard<T extends onRequestHookHandler>(hook: T): T {
  guards.add(hook)
  return hook
}

/** Does the route say who may call it? */
export function isGuarded(
  route: Pick<RouteOptions, 'config' | 'onRequest' | 'preHandler'>,
): boolean {
  const hooks = [route.onRequest, route.preHandler].flat()
  return (
    route.config?.public === true || hooks.some((hook) => hook !== undefined && guards.has(hook))
  )
}

export default fp(
  async (app) => {
    const routes: RouteOptions[] = []
    app.addHook('onRoute', (route) => {
      // The preflight that @fastify/cors registers is asked before anybody can prove who they are.
      if (route.method !== 'OPTIONS' || route.url !== '*') routes.push(route)
    })
    app.addHook('onReady', async () => {
      const open = routes
        .filter((route) => !isGuarded(route))
        .map(({ method, url }) => `${String(method)} ${url}`)
      if (open.length > 0) throw new Error(`Routes without a guard: ${open.join(', ')}`)
    })
  },
  { name: '@potok/access', fastify: '5.x' },
)

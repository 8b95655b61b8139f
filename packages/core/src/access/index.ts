/**
 * Access: a route without a guard does not boot, nor one behind a guard that the API document is silent about. Guards are
 * marked hooks; a public route says `config: {public: true}`, one that is not for readers `schema: {hide: true}`.
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

/** Is it in the API document, or left out of it on purpose? */
function isDocumented({ config, schema = {} }: RouteOptions): boolean {
  const { tags = [], hide } = { tags: undefined, hide: undefined, ...schema }
  return config?.public === true || hide === true || tags.length > 0
}

const namesOf = (routes: readonly RouteOptions[]): string =>
  routes.map(({ method, url }) => `${String(method)} ${url}`).join(', ')

export default fp(
  async (app) => {
    const routes: RouteOptions[] = []
    app.addHook('onRoute', (route) => {
      // The preflight that @fastify/cors registers is asked before anybody can prove who they are.
      if (route.method !== 'OPTIONS' || route.url !== '*') routes.push(route)
    })
    app.addHook('onReady', async () => {
      const open = routes.filter((route) => !isGuarded(route))
      if (open.length > 0) throw new Error(`Routes without a guard: ${namesOf(open)}`)
      const silent = routes.filter((route) => !isDocumented(route))
      if (silent.length > 0) throw new Error(`Routes without tags: ${namesOf(silent)}`)
    })
  },
  { name: '@potok/access', fastify: '5.x' },
)

/**
 * Access: the roles table, deny by default. `app.requireAccess` guards a route by it and sets `request.decision`;
 * `decide` answers the same question where there is no HTTP request.
 */
import type {
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction,
  onRequestHookHandler,
} from 'fastify'
import fp from 'fastify-plugin'
import { guard } from '@potok/core/access'
import { decide, type Decision } from './decide.ts'
import { AccessDenied, AccessUnknownRoute } from './errors.ts'

export { decide } from './decide.ts'
export { governing } from './governing.ts'
export { METHODS, type Right, type Rule } from './table.ts'

declare module 'fastify' {
  interface FastifyRequest {
    decision: Extract<Decision, { allow: true }>
  }
  interface FastifyInstance {
    requireAccess: onRequestHookHandler
  }
}

/** The path as the service behind will read it: decoded once. The HTTP guard has refused what could be read twice. */
function pathOf({ url }: FastifyRequest): string {
  const path = url.split('?', 1)[0] ?? ''
  return path.includes('%') ? decodeURIComponent(path) : path
}

export default fp(
  async (app) => {
    app.decorateRequest('decision')
    app.decorate(
      'requireAccess',
      guard((request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void => {
        app.identify(request, reply)
        const { method, principal } = request
        const decision = decide(principal, { method, path: pathOf(request) })
        if (decision.allow) request.decision = decision
        else if (decision.unknown) throw new AccessUnknownRoute(method, pathOf(request))
        else throw new AccessDenied(principal.roles.join(', '))
        done()
      }),
    )
  },
  { name: '@potok/gateway-access', fastify: '5.x', dependencies: ['@potok/gateway-auth'] },
)

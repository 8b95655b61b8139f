/**
 * API keys between services: `app.requireApiKey` guards a route and sets `request.caller`.
 */
import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { guard } from '../access/index.ts'
import { ActorInvalid, ActorNotAllowed, ApiKeyMissing, ApiKeyUnknown } from './errors.ts'
import { createKeys } from './keys.ts'

/** Who calls, and on whose behalf. */
export interface Caller {
  /** Name of the key. */
  service: string
  /** `user:<id>` when a gateway or task key says so, else `service:<name>`. */
  actor: string
  /** `own`: the actor may only change what is theirs. */
  scope: 'all' | 'own'
}

export interface ApiKeyOptions {
  /** `API_KEYS`: `name=key,name=key` or bare keys. */
  keys: string
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller
  }
  interface FastifyInstance {
    requireApiKey: onRequestAsyncHookHandler
  }
}

const ACTS_FOR_OTHERS = new Set(['gateway', 'task'])
const USER_ACTOR = /^user:[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/u

function callerOf({ headers }: FastifyRequest, service: string): Caller {
  const actor = headers['x-actor']
  const scope = headers['x-actor-scope']
  if (actor === undefined && scope === undefined) {
    return { service, actor: `service:${service}`, scope: 'all' }
  }
  if (!ACTS_FOR_OTHERS.has(service)) throw new ActorNotAllowed(service)
  if (typeof actor !== 'string' || !USER_ACTOR.test(actor)) throw new ActorInvalid()
  if (scope !== undefined && scope !== 'own') throw new ActorInvalid()
  return { service, actor, scope: scope === 'own' ? 'own' : 'all' }
}

export default fp<ApiKeyOptions>(
  async (app, { keys }) => {
    const accepted = createKeys(keys)
    app.decorateRequest('caller')
    app.decorate(
      'requireApiKey',
      guard(async (request: FastifyRequest) => {
        const given = request.headers['x-api-key']
        if (typeof given !== 'string' || given === '') throw new ApiKeyMissing()
        const service = accepted.identify(given)
        if (service === undefined) throw new ApiKeyUnknown()
        request.caller = callerOf(request, service)
      }),
    )
  },
  { name: '@potok/api-key', fastify: '5.x' },
)

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { peekBody } from './body-rules.ts'

const PERSON = /^\/api\/v1\/admin\/users\/(?<ref>[^/]+)$/u

/** Changes after which whoever is logged in as this person must not go on as before. */
const ENDING = ['active', 'roles', 'password'] as const

type Person = { id: string } | { username: string }

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose sessions end when the service behind has done what is asked. */
    endsSessionsOf: Person | undefined
  }
}

function personOf({ url }: FastifyRequest): Person | undefined {
  const ref = PERSON.exec(decodeURIComponent(url.split('?', 1)[0] ?? ''))?.groups?.['ref']
  if (ref === undefined) return undefined
  return ref.startsWith('@') ? { username: ref.slice(1) } : { id: ref }
}

function isEnding(change: unknown): boolean {
  return typeof change === 'object' && change !== null && ENDING.some((member) => member in change)
}

/**
 * Sees to it that a person who is removed, deactivated or given other roles or another password is logged out: their
 * access tokens would let them in as they were for as long as a token lasts.
 */
export function watchPersonChanges(scope: FastifyInstance, limitBytes: number): void {
  scope.decorateRequest('endsSessionsOf')
  scope.addHook('preHandler', async (request, reply) => {
    const person = personOf(request)
    if (person === undefined) return
    const { method } = request
    const ends =
      method === 'DELETE' ||
      ((method === 'PATCH' || method === 'PUT') &&
        isEnding(await peekBody(request, reply, limitBytes)))
    if (ends) request.endsSessionsOf = person
  })
  // Before the answer, so that whoever asked for it can rely on it.
  scope.addHook('onSend', async (request, reply) => {
    const { endsSessionsOf: person } = request
    if (person === undefined || reply.statusCode >= 300) return
    const ended = await scope.auth.endSessionsOf(person)
    request.log.info({ context: 'AuthModule', event: 'auth.person_changed', ended }, 'logged out')
  })
}

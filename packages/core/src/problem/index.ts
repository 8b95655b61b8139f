/**
 * Problems: every 4xx and 5xx of the process is RFC 9457 `application/problem+json`, from one mapper.
 */
import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import createRouter, { type HTTPMethod } from 'find-my-way'
import { BodyNotUtf8, MethodNotAllowed, RouteNotFound, TextNotStorable } from './errors.ts'
import { unstorableText } from './storable-text.ts'
import { toProblem, type ProblemSource } from './to-problem.ts'

export { unstorableText } from './storable-text.ts'
export { toProblem, type ProblemSource } from './to-problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Why it was answered with a problem of ours, for the access line and the metrics. */
    refusal: { code: string; reason: string | undefined } | undefined
  }
}

/** Longest path parameter: an entity id has 128 characters, three bytes each when encoded at worst. */
export const MAX_PARAM_LENGTH = 256

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** For a 503 that does not know better: what is away (a database, say) is looked for anew by every request. */
const UNAVAILABLE_RETRY_SECONDS = 1

/** Answers with the problem that `error` is. Also used by error paths outside of Fastify's handler. */
export function sendProblem(
  error: ProblemSource,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const path = request.url.split('?', 1)[0] ?? '/'
  const problem = toProblem(error, { correlationId: request.id, path })
  request.refusal = { code: problem.code, reason: error.reason }
  if (error.isRoutine === true) {
    request.log.debug({ code: problem.code, reason: error.reason }, 'request refused')
  } else if (problem.status >= 500) {
    request.log.error({ err: error, code: problem.code, reason: error.reason }, 'request failed')
  } else {
    request.log.info(
      { code: problem.code, status: problem.status },
      problem.detail ?? problem.title,
    )
  }
  const retryAfter =
    error.retryAfterSeconds ?? (problem.status === 503 ? UNAVAILABLE_RETRY_SECONDS : undefined)
  if (retryAfter !== undefined) reply.header('retry-after', Math.max(1, Math.ceil(retryAfter)))
  void reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem)
}

/** JSON bodies: strict UTF-8, no prototype poisoning, no text that cannot be stored. */
function parseJsonStrictly(app: FastifyInstance): void {
  // Fastify also takes text/plain by default; nothing of ours does.
  app.removeContentTypeParser('text/plain')
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (typeof body === 'string' || !isUtf8(body)) return done(new BodyNotUtf8())
    const raw = body.toString('utf8')
    return parse(request, raw, (error, value: unknown) => {
      if (error) return done(error)
      const path = unstorableText(raw, value)
      return path === undefined ? done(null, value) : done(new TextNotStorable(path))
    })
  })
}

/** A second router over the same patterns, asked only when nothing matched: 405 with `Allow`, or 404. */
function tellMissing(app: FastifyInstance): void {
  const known = createRouter({ ignoreTrailingSlash: false, maxParamLength: MAX_PARAM_LENGTH })
  app.addHook('onRoute', ({ method, url }) => {
    if (url === '*') return
    for (const one of [method].flat()) {
      const verb = METHODS.find((candidate) => candidate === one)
      if (verb !== undefined && !known.hasRoute(verb, url)) known.on(verb, url, () => undefined)
    }
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/'
    const allowed = METHODS.filter((method: HTTPMethod) => known.find(method, path) !== null)
    if (allowed.length === 0)
      return sendProblem(new RouteNotFound(request.method, path), request, reply)
    reply.header('allow', allowed.join(', '))
    return sendProblem(new MethodNotAllowed(request.method, allowed.join(', ')), request, reply)
  })
}

export default fp(
  async (app) => {
    app.decorateRequest('refusal')
    parseJsonStrictly(app)
    tellMissing(app)
    app.setErrorHandler<ProblemSource>((error, request, reply) => {
      sendProblem(error, request, reply)
    })
  },
  { name: '@potok/problem', fastify: '5.x' },
)

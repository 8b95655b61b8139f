/** How both APIs answer: JSON with 64-bit integers, errors as `{code, message}`. */
import type { FastifyError, FastifyInstance } from 'fastify'
import type { Log } from './log.ts'
import { stringify } from './platform/json.ts'

interface Refusal {
  status: number
  code: string
  message: string
}

/**
 * Sets serialiser and error handler on one encapsulated instance.
 * @param invalid code for what Fastify itself refuses: a body that is no JSON, breaks the schema or is too big
 */
export function answerAs(app: FastifyInstance, invalid: string, log: Log): void {
  app.setReplySerializer((payload) => stringify(payload))
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const { status, code, message } = refusalOf(error, invalid)
    if (status >= 500) {
      log.error('request failed', { method: request.method, url: request.url, error: error.stack })
    }
    return reply.code(status).send({ code, message })
  })
}

function refusalOf(error: FastifyError, invalid: string): Refusal {
  const { statusCode: status = 500, code, message } = error
  if (status >= 500) return { status: 500, code: 'internal.error', message: 'Internal error' }
  // Fastify's own codes are no part of MAX; ours were turned to capitals by @fastify/error.
  return { status, code: !code || code.startsWith('FST_') ? invalid : code.toLowerCase(), message }
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import createError from '@fastify/error'
import type { onRequestHookHandler } from 'fastify'
import { correlationIdOf } from '../correlation/index.ts'
import { toProblem } from '../problem/index.ts'

const HostMissing = createError(
  'REQUEST_HOST_MISSING',
  'A request of HTTP/1.1 names the host that it is for: Host: name or name:port',
  400,
)
const ExpectationUnknown = createError(
  'REQUEST_EXPECTATION_UNKNOWN',
  'Nothing but Expect: 100-continue can be expected here',
  417,
)

/** RFC 9112 §3.2: a request without a host is a 400, and who sends it is not listened to any longer. */
export const refuseWithoutHost: onRequestHookHandler = ({ raw }, reply, done) => {
  if (raw.headers.host !== undefined || raw.httpVersionMinor === 0) return done()
  reply.header('connection', 'close')
  return done(new HostMissing())
}

/** RFC 9110 §10.1.1. Such a request never reaches Fastify, and Node would answer it without a word. */
export function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  const correlationId = correlationIdOf(request)
  const path = request.url?.split('?', 1)[0] ?? '/'
  const problem = toProblem(new ExpectationUnknown(), { correlationId, path })
  response
    .writeHead(problem.status, {
      'content-type': 'application/problem+json',
      'x-correlation-id': correlationId,
      connection: 'close',
    })
    .end(JSON.stringify(problem))
}

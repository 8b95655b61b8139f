/**
 * Correlation: `x-correlation-id` accepted or made, echoed and forwarded; `traceparent` continued (W3C Trace Context).
 */
import { randomFillSync, randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import fp from 'fastify-plugin'
import type { FastifyRequest } from 'fastify'
import { CORRELATION_ID } from '@potok/contracts/identifiers'

const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?<flags>[0-9a-f]{2})(?:-.*)?$/u

export interface Trace {
  /** `00-<trace id>-<our span id>-<flags>`, what the next hop receives. */
  traceparent: string
  traceId: string
  tracestate?: string
}

declare module 'fastify' {
  interface FastifyRequest {
    trace: Trace
  }
}

/** The caller's correlation id when it is well formed, else a new one. Fastify's `genReqId`. */
export function correlationIdOf(raw: IncomingMessage): string {
  const given = raw.headers['x-correlation-id']
  return typeof given === 'string' && CORRELATION_ID.test(given) ? given : randomUUID()
}

/** Random bytes are drawn for a thousand requests at once: each draw is a call into OpenSSL. */
const pool = Buffer.alloc(24 * 1024)
let drawn = pool.length

function randomHex(bytes: number): string {
  if (drawn + bytes > pool.length) {
    randomFillSync(pool)
    drawn = 0
  }
  drawn += bytes
  return pool.toString('hex', drawn - bytes, drawn)
}

/** Continues the caller's trace with a span of ours, or starts one. */
export function continueTrace(headers: IncomingMessage['headers']): Trace {
  const given = headers['traceparent']
  const match = typeof given === 'string' ? TRACEPARENT.exec(given) : null
  const random = randomHex(24)
  const traceId = match?.groups?.['trace'] ?? random.slice(16)
  const flags = match?.groups?.['flags'] ?? '00'
  const trace: Trace = {
    traceId,
    traceparent: `00-${traceId}-${random.slice(0, 16)}-${flags}`,
  }
  const state = headers['tracestate']
  // A tracestate without a valid traceparent must be dropped (W3C Trace Context 3.3.1.3).
  if (match !== null && typeof state === 'string' && state.length <= 512) trace.tracestate = state
  return trace
}

/** The headers that carry correlation and trace to the next hop. */
export function forwardedContext(
  request: Pick<FastifyRequest, 'id' | 'trace'>,
): Record<string, string> {
  const { traceparent, tracestate } = request.trace
  return {
    'x-correlation-id': request.id,
    traceparent,
    ...(tracestate === undefined ? {} : { tracestate }),
  }
}

interface CorrelationOptions {
  /** Where the trace is recorded: how it goes on below the span of the request. */
  traceOf?: ((request: FastifyRequest) => Trace | undefined) | undefined
}

export default fp<CorrelationOptions>(
  async (app, { traceOf }) => {
    app.decorateRequest('trace')
    app.addHook('onRequest', (request, reply, done) => {
      request.trace = traceOf?.(request) ?? continueTrace(request.headers)
      reply.header('x-correlation-id', request.id)
      done()
    })
  },
  { name: '@potok/correlation', fastify: '5.x' },
)

import { FastifyOtelInstrumentation } from '@fastify/otel'
import { SpanStatusCode, type Span, type TracerProvider } from '@opentelemetry/api'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Trace } from '../correlation/index.ts'
import '../problem/index.ts'
import { traceparentOf } from './traceparent.ts'

/** One span a request, from its first hook to the last byte of its answer, named by the route. */
function describe(span: Span, request: FastifyRequest): void {
  const { url: route } = request.routeOptions
  span.updateName(route === undefined ? request.method : `${request.method} ${route}`)
  span.setAttributes({
    // Not as it came: a query may hold what only the caller should know.
    'url.path': request.url.split('?', 1)[0] ?? '/',
    'url.scheme': request.protocol,
    'potok.correlation_id': request.id,
  })
}

/** A 4xx is the caller's doing and no error of the server (semantic conventions for HTTP spans). */
function judge(span: Span, request: FastifyRequest, reply: FastifyReply): void {
  const { refusal } = request
  if (refusal !== undefined) {
    span.setAttribute('error.type', refusal.code)
    if (refusal.reason !== undefined) span.setAttribute('potok.reason', refusal.reason)
  }
  if (reply.statusCode >= 500) {
    const message = refusal?.code
    span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) })
  }
}

/** Whoever leaves before the answer is whole: `onResponse` is not called then. */
function endWhenGone(span: Span, reply: FastifyReply): void {
  reply.raw.once('close', () => {
    if (!span.isRecording()) return
    if (reply.raw.headersSent) span.setAttribute('http.response.status_code', reply.statusCode)
    else span.setAttribute('error.type', 'client_abort')
    span.end()
  })
}

const spanOf = (request: FastifyRequest): Span | null => request.opentelemetry().span ?? null

/**
 * Gives every request a server span, probes and scrapes excepted.
 * @returns how a request's trace goes on below its span
 */
export async function serverSpans(app: FastifyInstance, provider: TracerProvider) {
  const instrumentation = new FastifyOtelInstrumentation({
    requestHook: describe,
    // One span a request: what a hook takes is a matter for a profile.
    instrumentHooks: false,
    instrumentHandler: false,
    // Whatever an error says is in the log, under the correlation id and redacted.
    recordExceptions: false,
    // What it adds to routes would end spans before the answer is sent, and call a 404 an error of ours. Its hooks on
    // requests, which are asked for without a handler, do all that is needed.
    ignorePaths: (asked) => 'handler' in asked,
  })
  instrumentation.setTracerProvider(provider)
  app.addHook('onRoute', (route) => {
    if (route.config?.quiet === true) route.config = { ...route.config, otel: false }
  })
  // Before its own, which ends the span.
  app.addHook('onResponse', (request, reply, done) => {
    const span = spanOf(request)
    if (span !== null) judge(span, request, reply)
    done()
  })
  await app.register(instrumentation.plugin())
  app.addHook('onRequest', (request, reply, done) => {
    const span = spanOf(request)
    if (span?.isRecording() === true) endWhenGone(span, reply)
    done()
  })

  return (request: FastifyRequest): Trace | undefined => {
    const context = spanOf(request)?.spanContext()
    if (context === undefined) return undefined
    const { traceId, traceState } = context
    const tracestate = traceState?.serialize() ?? ''
    const traceparent = traceparentOf(context)
    return { traceId, traceparent, ...(tracestate !== '' && { tracestate }) }
  }
}

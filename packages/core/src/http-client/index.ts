/**
 * `createHttpClient`: how a service calls another one. Circuit breaker, retry budget, bulkhead and one deadline around
 * every request, be it our own (`request`) or one that `@fastify/http-proxy` passes through (`proxyTransport`).
 */
import type { FastifyBaseLogger } from 'fastify'
import { Pool } from 'undici'
import type { BackOff } from './back-off.ts'
import type { CallTracing } from './call-tracing.ts'
import { Circuit, type CircuitThresholds } from './circuit.ts'
import { upstreamError } from './errors.ts'
import type { HttpClientObserver } from './observer.ts'
import { createProxyTransport } from './proxy-transport.ts'
import { createRequest } from './request.ts'
import { createRetryBudget } from './retry-budget.ts'
import { Tries, verdictOfError, verdictOfResult } from './tries.ts'

export type { CallTracing } from './call-tracing.ts'
export { circuitStateValue } from './circuit.ts'
export type { Circuit, CircuitSnapshot, CircuitState } from './circuit.ts'
export { isUpstreamError } from './errors.ts'
export type { UpstreamError, UpstreamReason } from './errors.ts'
export { isEventStream, withoutHopByHop } from './headers.ts'
export type { HttpClientObserver } from './observer.ts'
export { carryRequest } from './proxied-request.ts'
export { passedAnswer, proxyReplyOptions } from './proxy-reply.ts'
export { DEADLINE_HEADER } from './request.ts'
export type { UpstreamRequest, UpstreamResponse } from './request.ts'

export interface HttpClientOptions {
  /** How logs, metrics and errors call the upstream, such as `state`. */
  name: string
  /** Such as `http://localhost:3002`; a path is put before that of every own request. */
  origin: string
  /** Sent as `x-api-key` with own requests; proxied ones get theirs from the proxy. */
  apiKey?: string
  breaker?: Partial<CircuitThresholds>
  retryBudget?: { ratio?: number; min?: number }
  /** Tries after the first. */
  maxRetries?: number
  backOff?: BackOff
  /** For a request with all its tries; for an event stream, until its head. */
  deadlineMs?: number
  connectTimeoutMs?: number
  /**
   * Connections older than this are replaced, which resolves the name anew; default: they live as long as they work. Not
   * for clients that carry event streams: undici asks a connection that it cannot close yet again and again.
   */
  connectionTtlMs?: number
  /** Attempts under way at a time, and callers that may wait for a place. */
  maxInFlight?: number
  maxQueue?: number
  /** Proxied request bodies: the limit, and up to which size they are held to be sent again. */
  bodyLimitBytes?: number
  bodyBufferBytes?: number
  /** Certificate authority to trust beside the built-in ones, PEM. Certificates are always verified. */
  ca?: string
  log: FastifyBaseLogger
  observe?: HttpClientObserver
  /** Spans of the tries; default: none. */
  tracing?: CallTracing | undefined
  /** Epoch milliseconds, for the circuit and the budget. */
  now?: () => number
}

export type HttpClient = ReturnType<typeof createHttpClient>

export function createHttpClient(options: HttpClientOptions) {
  const { name, log, observe = {}, deadlineMs = 10_000, now = Date.now, tracing } = options
  const origin = new URL(options.origin)
  const circuit = createCircuit(options, observe, now)
  const dispatcher = new Pool(origin.origin, {
    connect: {
      timeout: options.connectTimeoutMs ?? 1000,
      ...(options.ca !== undefined && { ca: options.ca }),
    },
    // One deadline rules; undici's own would cut event streams.
    headersTimeout: 0,
    bodyTimeout: 0,
    ...(options.connectionTtlMs !== undefined && { clientTtl: options.connectionTtlMs }),
  })
  const tries = new Tries({
    name,
    circuit,
    budget: createRetryBudget({
      ratio: options.retryBudget?.ratio ?? 0.2,
      min: options.retryBudget?.min ?? 3,
      now,
    }),
    maxRetries: options.maxRetries ?? 2,
    backOff: options.backOff ?? { baseMs: 50, maxMs: 1000 },
    maxInFlight: options.maxInFlight ?? 256,
    maxQueue: options.maxQueue ?? 256,
    observe,
  })
  const upstream = { name, origin, deadlineMs, dispatcher, tries, tracing }
  const proxyTransport = createProxyTransport({
    ...upstream,
    bodyLimitBytes: options.bodyLimitBytes ?? 1024 * 1024,
    bodyBufferBytes: options.bodyBufferBytes ?? 64 * 1024,
    log,
  })

  return {
    name,
    circuit,
    request: createRequest({ ...upstream, apiKey: options.apiKey }),
    proxyTransport,
    /** For `preClose`: proxied event streams would keep the server from closing. */
    endStreams: (): void => proxyTransport.endStreams(),
    /** For `onClose`, when no request is under way any more: breaks what is. */
    close: (): Promise<void> => dispatcher.destroy(),
  }
}

function createCircuit(
  { name, log, breaker = {} }: HttpClientOptions,
  observe: HttpClientObserver,
  now: () => number,
) {
  return new Circuit({
    name,
    log,
    now,
    failureThreshold: breaker.failureThreshold ?? 5,
    successThreshold: breaker.successThreshold ?? 2,
    resetMs: breaker.resetMs ?? 60_000,
    ofResult: verdictOfResult,
    ofError: verdictOfError,
    rejection: (retryAfterMs) => upstreamError('breaker_open', name, { retryAfterMs }),
    onStateChange: (state, previous) => observe.circuit?.({ upstream: name, state, previous }),
  })
}

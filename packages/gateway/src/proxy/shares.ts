import type {
  FastifyInstance,
  FastifyRequest,
  RawServerBase,
  RequestGenericInterface,
} from 'fastify'
import { Histogram, type Registry } from 'prom-client'
import type { proxyReplyOptions } from '@potok/core/http-client'
import { addToLog } from '@potok/core/logging'
import { createGathered, routeLabel } from '@potok/core/metrics'

type ClientRequest = FastifyRequest<RequestGenericInterface, RawServerBase>
type OnResponse = typeof proxyReplyOptions.onResponse
type OnError = typeof proxyReplyOptions.onError

declare module 'fastify' {
  interface FastifyRequest {
    /** When it was passed on, and how long the service behind took, milliseconds. */
    passed: { at: number; upstreamMs: number | undefined } | undefined
  }
}

const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** A histogram of parts of requests, and what is gathered for it. */
function shareMetric(registry: Registry, name: string, help: string) {
  const shares = createGathered<[route: string, service: string]>(([route, service], seconds) => {
    for (const one of seconds) histogram.observe({ route, service }, one)
  })
  const histogram = new Histogram({
    name,
    help,
    labelNames: ['route', 'service'] as const,
    buckets: BUCKETS,
    registers: [registry],
    collect: () => shares.flush(),
  })
  return shares
}

export type Shares = ReturnType<typeof createShares>

/**
 * Whose time a request took: the service's, from passing it on to its answer with all tries and the waits between them,
 * or ours, which is the rest.
 */
export function createShares(app: FastifyInstance) {
  app.decorateRequest('passed')
  const upstream = shareMetric(
    app.registry,
    'gateway_upstream_share_seconds',
    'Part of a proxied request that the service behind took, with its tries and the waits between them',
  )
  const own = shareMetric(
    app.registry,
    'gateway_own_share_seconds',
    'Part of a proxied request that the gateway took, sending the answer to the client included',
  )

  function stop(request: ClientRequest, service: string): void {
    const { passed } = request
    if (passed === undefined) return
    passed.upstreamMs = performance.now() - passed.at
    const upstreamMs = Math.round(passed.upstreamMs * 100) / 100
    addToLog(request, { upstream: service, upstreamMs })
  }

  return {
    of(scope: FastifyInstance, service: string) {
      scope.addHook('onResponse', (request, reply, done) => {
        const ms = request.passed?.upstreamMs
        if (ms !== undefined) {
          const route = routeLabel(request)
          upstream.add(ms / 1000, route, service)
          own.add(Math.max(0, reply.elapsedTime - ms) / 1000, route, service)
        }
        done()
      })
      return {
        begin(request: ClientRequest): void {
          request.passed = { at: performance.now(), upstreamMs: undefined }
        },
        answered:
          (next: OnResponse): OnResponse =>
          (request, reply, answer) => {
            stop(request, service)
            next(request, reply, answer)
          },
        failed:
          (next: OnError): OnError =>
          (reply, failure) => {
            stop(reply.request, service)
            next(reply, failure)
          },
      }
    },
  }
}

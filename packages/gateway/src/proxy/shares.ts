import type {
  FastifyInstance,
  FastifyRequest,
  RawServerBase,
  RequestGenericInterface,
} from 'fastify'
import { Histogram } from 'prom-client'
import type { proxyReplyOptions } from '@potok/core/http-client'
import { routeLabel } from '@potok/core/metrics'

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

export type Shares = ReturnType<typeof createShares>

/**
 * Whose time a request took: the service's, from passing it on to its answer with all tries and the waits between them,
 * or ours, which is the rest.
 */
export function createShares(app: FastifyInstance) {
  app.decorateRequest('passed')
  const labelNames = ['route', 'service'] as const
  const registers = [app.registry]
  const upstream = new Histogram({
    name: 'gateway_upstream_share_seconds',
    help: 'Part of a proxied request that the service behind took, with its tries and the waits between them',
    labelNames,
    buckets: BUCKETS,
    registers,
  })
  const own = new Histogram({
    name: 'gateway_own_share_seconds',
    help: 'Part of a proxied request that the gateway took, sending the answer to the client included',
    labelNames,
    buckets: BUCKETS,
    registers,
  })

  function stop(request: ClientRequest, service: string): void {
    const { passed } = request
    if (passed === undefined) return
    passed.upstreamMs = performance.now() - passed.at
    const upstreamMs = Math.round(passed.upstreamMs * 100) / 100
    request.log = request.log.child({ upstream: service, upstreamMs })
  }

  return {
    of(scope: FastifyInstance, service: string) {
      scope.addHook('onResponse', (request, reply, done) => {
        const ms = request.passed?.upstreamMs
        if (ms !== undefined) {
          const labels = { route: routeLabel(request), service }
          upstream.observe(labels, ms / 1000)
          own.observe(labels, Math.max(0, reply.elapsedTime - ms) / 1000)
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

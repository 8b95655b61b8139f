/**
 * Metrics: a registry of the process's own, `app.registry`, and in it what every request leaves.
 */
import type { FastifyRequest, onResponseHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { Counter, Histogram, Registry } from 'prom-client'
import { createGathered } from './gathered.ts'
import '../problem/index.ts'
import '../rate-limit/index.ts'

export { createGathered } from './gathered.ts'
export { metricsEndpoint, type MetricsEndpointOptions } from './endpoint.ts'

export interface MetricsOptions {
  /** false: no request is counted. */
  enabled: boolean
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Register the plugin's own metrics here: `new Counter({registers: [app.registry]})`. */
    registry: Registry
  }
}

const UNMATCHED = 'unmatched'

/** A route's pattern, never a URL: labels are bounded. */
export function routeLabel(request: FastifyRequest): string {
  return request.routeOptions.url ?? UNMATCHED
}

/** Rate, errors and duration by route. */
function requestMetrics(registry: Registry): onResponseHookHandler {
  const labelNames = ['method', 'route', 'status'] as const
  const registers = [registry]
  const finished = createGathered<[method: string, route: string, status: number]>(
    ([method, route, status], seconds) => {
      const labels = { method, route, status }
      requests.inc(labels, seconds.length)
      for (const one of seconds) durations.observe(labels, one)
    },
  )
  const collect = (): void => finished.flush()
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'HTTP requests by method, route pattern and status',
    labelNames,
    registers,
    collect,
  })
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'HTTP requests from their first byte to the last of their answer',
    labelNames,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
    collect,
  })
  const problems = new Counter({
    name: 'http_problems_total',
    help: 'Requests answered with a problem of this process, by its code and the part that said no',
    labelNames: ['code', 'reason'] as const,
    registers,
  })
  return (request, reply, done) => {
    const { refusal } = request
    if (refusal !== undefined) {
      problems.inc({ code: refusal.code, reason: refusal.reason ?? 'none' })
    }
    finished.add(reply.elapsedTime / 1000, request.method, routeLabel(request), reply.statusCode)
    done()
  }
}

export default fp<MetricsOptions>(
  async (app, { enabled }) => {
    const registry = new Registry()
    app.decorate('registry', registry)
    if (enabled) app.addHook('onResponse', requestMetrics(registry))
  },
  { name: '@potok/metrics', fastify: '5.x' },
)

/**
 * Metrics: `app.metrics.client` and a registry of the process's own, served as Prometheus text.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import fastifyMetrics from 'fastify-metrics'
import client, { Counter, Registry } from 'prom-client'
import '../rate-limit/index.ts'

export interface MetricsOptions {
  /** Route of the Prometheus text, such as `/metrics`. */
  path: string
  /** false: nothing is collected and the route is 404. */
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

export default fp<MetricsOptions>(
  async (app, { path, enabled }) => {
    const registry = new Registry()
    app.decorate('registry', registry)
    if (!enabled) return

    const requests = new Counter({
      name: 'http_requests_total',
      help: 'HTTP requests by method, route pattern and status',
      labelNames: ['method', 'route', 'status'] as const,
      registers: [registry],
    })
    app.addHook('onResponse', async (request: FastifyRequest, reply: FastifyReply) => {
      requests.inc({ method: request.method, route: routeLabel(request), status: reply.statusCode })
    })
    await app.register(fastifyMetrics.default, {
      promClient: { ...client, register: registry },
      endpoint: {
        url: path,
        method: 'GET',
        config: { public: true, quiet: true, rateLimit: false },
        schema: {
          tags: ['operations'],
          summary: 'Metrics as Prometheus text',
          produces: ['text/plain'],
        },
        handler: () => undefined,
      },
      defaultMetrics: { enabled: true, register: registry },
      routeMetrics: {
        enabled: { histogram: true, summary: false },
        registeredRoutesOnly: false,
        overrides: {
          labels: { status: 'status', getRouteLabel: routeLabel },
          histogram: {
            name: 'http_request_duration_seconds',
            buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
            registers: [registry],
          },
          summary: { registers: [registry] },
        },
      },
    })
  },
  { name: '@potok/metrics', fastify: '5.x' },
)

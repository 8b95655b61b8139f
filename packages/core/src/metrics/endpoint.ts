/**
 * What Prometheus reads: the registry as a route, and with it what the process tells of itself.
 */
import { Type } from '@sinclair/typebox'
import fp from 'fastify-plugin'
import fastifyMetrics from 'fastify-metrics'
import client from 'prom-client'
import { Problem } from '@potok/contracts/problem'

export interface MetricsEndpointOptions {
  /** Route of the Prometheus text, such as `/metrics`. */
  path: string
}

const Text = Type.String({
  description: 'Text exposition format of Prometheus',
  examples: ['http_requests_total{method="GET",route="/health",status="200"} 1'],
})

const schema = {
  tags: ['operations'],
  summary: 'Metrics as Prometheus text',
  response: {
    200: { description: 'Every metric', content: { 'text/plain': { schema: Text } } },
    '4xx': Problem,
  },
}

/** Registered after the docs, which know no route that was there before them. */
export const metricsEndpoint = fp<MetricsEndpointOptions>(
  async (app, { path }) => {
    const { registry: register } = app
    await app.register(fastifyMetrics.default, {
      promClient: { ...client, register },
      endpoint: {
        url: path,
        method: 'GET',
        config: { public: true, quiet: true, rateLimit: false },
        schema,
        handler: () => undefined,
      },
      defaultMetrics: { enabled: true, register },
      // Ours are one hook instead of three, and timed by the reply, which knows it anyway.
      routeMetrics: { enabled: false },
    })
  },
  {
    name: '@potok/metrics-endpoint',
    fastify: '5.x',
    dependencies: ['@potok/metrics', '@potok/docs'],
  },
)

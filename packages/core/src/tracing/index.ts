/**
 * Tracing: `app.tracing`, OpenTelemetry of the process when `OTEL_EXPORTER_OTLP_ENDPOINT` is set; else undefined, and
 * nothing of it is loaded.
 */
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { BaseConfig } from '../config/schemas.ts'
import type { Trace } from '../correlation/index.ts'
import type { CallTracing } from '../http-client/index.ts'

export interface Tracing {
  /** For clients of other services. */
  calls: CallTracing
  /** The trace as the request's own span continues it; undefined for requests that have none, such as probes. */
  traceOf: (request: FastifyRequest) => Trace | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    tracing: Tracing | undefined
  }
}

export default fp<{ config: BaseConfig }>(
  async (app, { config }) => {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = config
    if (endpoint === undefined) {
      app.decorate('tracing', undefined)
      return
    }
    const { createTelemetry } = await import('./telemetry.ts')
    const { serverSpans } = await import('./server-spans.ts')
    const telemetry = createTelemetry({
      endpoint,
      headers: config.OTEL_EXPORTER_OTLP_HEADERS,
      serviceName: config.APP_NAME,
      environment: config.NODE_ENV,
      share: config.OTEL_TRACES_SAMPLER_ARG,
      timeoutMs: config.OTEL_EXPORTER_OTLP_TIMEOUT,
      queueLimit: config.OTEL_BSP_MAX_QUEUE_SIZE,
      log: app.log.child({ context: 'Tracing' }),
    })
    const traceOf = await serverSpans(app, telemetry.provider)
    app.decorate('tracing', { calls: telemetry.calls, traceOf })
    // Registered before all others, it is closed after them: their last spans are sent too.
    app.addHook('onClose', () => telemetry.close())
  },
  { name: '@potok/tracing', fastify: '5.x' },
)

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { diag, DiagLogLevel, propagation } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { FastifyBaseLogger } from 'fastify'
import { createCallSpans } from './call-spans.ts'
import { exportHeaders } from './export-headers.ts'
import { SILENCE_MS, watchedExporter } from './watched-exporter.ts'

export interface TelemetryOptions {
  /** Base URL of the collector; `/v1/traces` is put behind its path. */
  endpoint: string
  /** `name=value`, comma separated, values percent-encoded. */
  headers: string | undefined
  serviceName: string
  environment: string
  /** Part of the traces begun here that is recorded, 0 to 1; those of callers say themselves. */
  share: number
  /** For one export with its tries, and for all of them at the end of the process, milliseconds. */
  timeoutMs: number
  /** Spans that wait to be sent; those after them are lost. */
  queueLimit: number
  log: FastifyBaseLogger
}

/** Spans sent at a time. */
const BATCH = 512
/** How long spans wait for others to be sent with, milliseconds. */
const COLLECT_MS = 1000

/** The OpenTelemetry of a process: spans go to a collector over OTLP/HTTP as JSON. One a process. */
export function createTelemetry(options: TelemetryOptions) {
  const { endpoint, headers, timeoutMs, queueLimit, log } = options
  const url = `${endpoint.replace(/\/+$/u, '')}/v1/traces`
  const exporter = new OTLPTraceExporter({
    url,
    headers: exportHeaders(headers),
    timeoutMillis: timeoutMs,
  })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.serviceName,
      'service.instance.id': randomUUID(),
      'deployment.environment.name': options.environment,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.share) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: watchedExporter(exporter, log),
        maxQueueSize: queueLimit,
        maxExportBatchSize: Math.min(BATCH, queueLimit),
        scheduledDelayMillis: COLLECT_MS,
        exportTimeoutMillis: timeoutMs + COLLECT_MS,
      }),
    ],
  })
  // Read by @fastify/otel, which takes no other.
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  diag.setLogger(diagnosisTo(log), DiagLogLevel.INFO)

  return {
    provider,
    calls: createCallSpans(provider.getTracer('@potok/http-client')),
    /** Sends what waits, but does not hold up the end of the process for a collector that does not take it. */
    async close(): Promise<void> {
      const isFlushed = await Promise.race([
        provider.shutdown().then(() => true),
        pause(timeoutMs, false, { ref: false }),
      ])
      if (!isFlushed) log.warn({ timeoutMs }, 'the last traces could not be sent in time')
      propagation.disable()
      diag.disable()
    },
  }
}

/** The library's own words: that spans were dropped because the queue was full, above all. Once a minute at most. */
function diagnosisTo(log: FastifyBaseLogger) {
  let toldAt = -Infinity
  const warn = (message: string): void => {
    if (performance.now() - toldAt < SILENCE_MS) return
    toldAt = performance.now()
    log.warn(message)
  }
  const debug = (message: string): void => log.debug(message)
  return { error: warn, warn, info: debug, debug, verbose: debug }
}

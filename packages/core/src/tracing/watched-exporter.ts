import { ExportResultCode } from '@opentelemetry/core'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import type { FastifyBaseLogger } from 'fastify'

/** How often at most a collector that is away is told of, milliseconds. */
export const SILENCE_MS = 60_000

/**
 * An exporter that says in the log when spans cannot be sent and when they can again: once, then once a minute, however
 * many requests there are.
 * @param now milliseconds of a clock that is never set back
 */
export function watchedExporter(
  exporter: SpanExporter,
  log: FastifyBaseLogger,
  now: () => number = () => performance.now(),
): SpanExporter {
  let lost = 0
  let isTold = false
  let toldAt = -Infinity

  function failed(spans: number, error: Error | undefined): void {
    lost += spans
    if (now() - toldAt < SILENCE_MS) return
    toldAt = now()
    isTold = true
    log.warn({ err: error, lost }, 'traces cannot be sent to OTEL_EXPORTER_OTLP_ENDPOINT')
  }

  function succeeded(): void {
    if (!isTold) return
    isTold = false
    log.info({ lost }, 'traces can be sent again')
    lost = 0
  }

  return {
    export(spans, done) {
      exporter.export(spans, ({ code, error }) => {
        if (code === ExportResultCode.SUCCESS) succeeded()
        else failed(spans.length, error)
        // Told above. Handed on, it would be told once more for each batch.
        done({ code: ExportResultCode.SUCCESS })
      })
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  }
}

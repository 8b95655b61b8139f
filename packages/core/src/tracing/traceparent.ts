import type { SpanContext } from '@opentelemetry/api'

/** What the next hop receives (W3C Trace Context §3.2). */
export const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`

import {
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api'
import type { CallTracing } from '../http-client/index.ts'
import { traceparentOf } from './traceparent.ts'

/** A client span for each try of a call that a request asked for, named by the service that is called. */
export function createCallSpans(tracer: Tracer): CallTracing {
  return {
    begin({ upstream, method, origin, retries, parent }) {
      const span = tracer.startSpan(
        `${method} ${upstream}`,
        {
          kind: SpanKind.CLIENT,
          attributes: {
            'http.request.method': method,
            'server.address': origin.hostname,
            'server.port': Number(origin.port) || (origin.protocol === 'https:' ? 443 : 80),
            'peer.service': upstream,
            ...(retries > 0 && { 'http.request.resend_count': retries }),
          },
        },
        propagation.extract(ROOT_CONTEXT, parent),
      )
      return {
        traceparent: traceparentOf(span.spanContext()),
        end(outcome) {
          if ('status' in outcome) span.setAttribute('http.response.status_code', outcome.status)
          const failed = 'status' in outcome && outcome.status < 400
          if (!failed) {
            const type = 'status' in outcome ? String(outcome.status) : outcome.reason
            span.setAttribute('error.type', type)
            span.setStatus({ code: SpanStatusCode.ERROR })
          }
          span.end()
        },
      }
    },
  }
}

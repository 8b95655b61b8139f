import type { Cut } from './cut.ts'
import { isUpstreamError } from './errors.ts'
import { toUpstreamFailure } from './failure.ts'
import type { Headers } from './headers.ts'
import type { Head } from './tries.ts'

/** Where the spans of calls to other services plug in. Called for every try: must be quick and must not throw. */
export interface CallTracing {
  /** @returns undefined when the call belongs to no trace: what no request asked for would only be noise */
  begin: (call: TracedTry) => TrySpan | undefined
}

export interface TracedTry {
  /** The configured name of the upstream. */
  upstream: string
  method: string
  origin: URL
  /** Tries before this one. */
  retries: number
  /** Of whoever asked for the call; the span becomes its child. */
  parent: { traceparent: string; tracestate: string | undefined }
}

export interface TrySpan {
  /** What the upstream must receive, so that its span becomes the child of this one. */
  traceparent: string
  /** With the status of the answer, or the reason why there is none. */
  end: (outcome: { status: number } | { reason: string }) => void
}

type Attempt<T> = (cut: Cut, remainingMs: number) => Promise<T>

interface Traceable {
  name: string
  origin: URL
  tracing: CallTracing | undefined
}

/**
 * Puts a span around every try of a call. The trace is told by the headers of the call, not found in an asynchronous
 * context: who waits in the queue of the bulkhead is started by somebody else's end.
 * @param headers those that the attempt sends; `traceparent` in them is replaced for each try
 */
export function traced<T extends Head>(
  { name: upstream, origin, tracing }: Traceable,
  method: string,
  headers: Headers,
  attempt: Attempt<T>,
): Attempt<T> {
  const { traceparent, tracestate } = headers
  if (tracing === undefined || typeof traceparent !== 'string') return attempt
  const parent = { traceparent, tracestate: tracestate?.toString() }
  let retries = 0
  return async (cut, remainingMs) => {
    const span = tracing.begin({ upstream, method, origin, retries, parent })
    retries += 1
    if (span === undefined) return attempt(cut, remainingMs)
    headers['traceparent'] = span.traceparent
    try {
      const answer = await attempt(cut, remainingMs)
      span.end({ status: answer.statusCode })
      return answer
    } catch (cause) {
      const error = cut.reason ?? toUpstreamFailure(cause, upstream)
      span.end({ reason: isUpstreamError(error) ? error.reason : 'internal' })
      throw cause
    }
  }
}

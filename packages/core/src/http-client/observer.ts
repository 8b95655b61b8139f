import type { CircuitState } from './circuit.ts'
import type { UpstreamReason } from './errors.ts'

interface Seen {
  /** The configured name of the upstream. */
  upstream: string
}

/** Where the metrics plug in. Called on the request's path: must be quick and must not throw. */
export interface HttpClientObserver {
  /** One try: `status` of the answer, or the `reason` why there is none. Until the head, for streamed answers. */
  attempt?: (
    event: Seen & {
      method: string
      status: number | undefined
      reason: UpstreamReason | 'internal' | undefined
      durationMs: number
    },
  ) => void
  retry?: (event: Seen & { method: string; delayMs: number }) => void
  retryDenied?: (event: Seen & { method: string }) => void
  /** A call that ended without an answer. */
  failure?: (event: Seen & { reason: UpstreamReason }) => void
  circuit?: (event: Seen & { state: CircuitState; previous: CircuitState }) => void
}

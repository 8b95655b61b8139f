import createError from '@fastify/error'

type Details = { cause?: unknown }
type Arguments = [upstream: string, details?: Details]

const UpstreamUnreachable = createError<Arguments>(
  'UPSTREAM_UNREACHABLE',
  'The %s service cannot be reached',
  502,
)
const UpstreamBadResponse = createError<Arguments>(
  'UPSTREAM_BAD_RESPONSE',
  'The %s service gave an answer that cannot be used',
  502,
)
const UpstreamTimeout = createError<Arguments>(
  'UPSTREAM_TIMEOUT',
  'The %s service did not answer in time',
  504,
)
// The next two are made at a high rate exactly when there is no time to waste: without a stack.
const UpstreamCircuitOpen = createError<Arguments>(
  'UPSTREAM_CIRCUIT_OPEN',
  'The %s service failed repeatedly and is given time to recover',
  503,
  Error,
  false,
)
const UpstreamOverloaded = createError<Arguments>(
  'UPSTREAM_OVERLOADED',
  'Too many requests are waiting for the %s service',
  503,
  Error,
  false,
)
const UpstreamRetryBudgetExhausted = createError<Arguments>(
  'UPSTREAM_RETRY_BUDGET_EXHAUSTED',
  'The %s service failed, and too many requests are being repeated to try again now',
  503,
)
const UpstreamRequestTooLarge = createError<Arguments>(
  'UPSTREAM_REQUEST_TOO_LARGE',
  'The request body is larger than what is passed on to the %s service',
  413,
)
const UpstreamClientTooSlow = createError<Arguments>(
  'UPSTREAM_CLIENT_TOO_SLOW',
  'The request for the %s service was not sent, or its answer not read, in time',
  408,
)
/** 499 never reaches anybody: it is what the log and the metrics show of a caller that left. */
const UpstreamClientAbort = createError<Arguments>(
  'UPSTREAM_CLIENT_ABORT',
  'The caller left before the %s service answered',
  499,
)
/** A defect of the program, not of a peer: see `carryRequest`. */
export const ProxiedRequestMissing = createError<Arguments>(
  'UPSTREAM_PROXIED_REQUEST_MISSING',
  'The proxy of the %s service must pass its headers through carryRequest()',
  500,
)

const conditions = {
  upstream_unreachable: UpstreamUnreachable,
  upstream_bad_response: UpstreamBadResponse,
  upstream_timeout: UpstreamTimeout,
  breaker_open: UpstreamCircuitOpen,
  overloaded: UpstreamOverloaded,
  retry_budget_exhausted: UpstreamRetryBudgetExhausted,
  body_too_large: UpstreamRequestTooLarge,
  client_too_slow: UpstreamClientTooSlow,
  client_abort: UpstreamClientAbort,
}

/** Which part said no: `reason` in the problem, in the access log and in the metrics. */
export type UpstreamReason = keyof typeof conditions

/** What every error of this client carries. Its message never names an address; its `cause` may. */
export interface UpstreamError extends createError.FastifyError {
  readonly reason: UpstreamReason
  /** The configured name, such as `state`. */
  readonly upstream: string
  /** When a repetition may succeed, whole seconds. */
  readonly retryAfterSeconds?: number
}

export function upstreamError(
  reason: UpstreamReason,
  upstream: string,
  details: { cause?: unknown; retryAfterMs?: number } = {},
): UpstreamError {
  const { cause, retryAfterMs } = details
  const Condition = conditions[reason]
  const error = cause === undefined ? new Condition(upstream) : new Condition(upstream, { cause })
  return Object.assign(error, {
    reason,
    upstream,
    ...(retryAfterMs !== undefined && {
      retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1000)),
    }),
  })
}

export function isUpstreamError(error: unknown): error is UpstreamError {
  return (
    error instanceof Error &&
    'reason' in error &&
    typeof error.reason === 'string' &&
    Object.hasOwn(conditions, error.reason) &&
    'upstream' in error
  )
}

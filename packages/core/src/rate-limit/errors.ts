import createError from '@fastify/error'

/** Carries `reason` and `retryAfterSeconds` for the problem and its `Retry-After`. */
const RateLimitExceeded = createError<[seconds: number]>(
  'RATE_LIMIT_EXCEEDED',
  'Too many requests: try again in %d s',
  429,
)

export function rateLimitExceeded(retryAfterSeconds: number) {
  return Object.assign(new RateLimitExceeded(retryAfterSeconds), {
    reason: 'rate_limited' as const,
    retryAfterSeconds,
  })
}

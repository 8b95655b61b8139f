import createError from '@fastify/error'

/** Redis cannot be reached, did not answer in time, or is being spared after it did not. `cause` says which. */
export const RedisUnavailable = createError<[details?: { cause?: unknown }]>(
  'REDIS_UNAVAILABLE',
  'The cache cannot be used at the moment',
  503,
)

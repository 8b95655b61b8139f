import createError from '@fastify/error'

/** The actor may act for itself only (`x-actor-scope: own`) and asked for something else. */
export const OwnScopeExceeded = createError(
  'OWN_SCOPE_EXCEEDED',
  'The actor may only see itself and change its own settings and password',
  403,
)

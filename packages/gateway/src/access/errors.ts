import createError from '@fastify/error'

export const AccessDenied = createError<[roles: string]>(
  'ACCESS_DENIED',
  'Your roles (%s) do not allow this',
  403,
)
export const AccessUnknownRoute = createError<[method: string, path: string]>(
  'ROUTE_NOT_FOUND',
  'There is no %s %s here',
  404,
)

import createError from '@fastify/error'

export const RouteNotFound = createError<[method: string, path: string]>(
  'ROUTE_NOT_FOUND',
  'There is no %s %s here',
  404,
)
export const MethodNotAllowed = createError<[method: string, allowed: string]>(
  'METHOD_NOT_ALLOWED',
  '%s is not possible here; allowed: %s',
  405,
)
export const TextNotStorable = createError<[path: string]>(
  'TEXT_NOT_STORABLE',
  '%s has a NUL or a lone surrogate, which no store of ours can keep',
  422,
)
export const BodyNotUtf8 = createError('BODY_NOT_UTF8', 'The body is not valid UTF-8', 400)

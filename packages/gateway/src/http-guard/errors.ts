import createError from '@fastify/error'

export const HostInvalid = createError(
  'HTTP_HOST_INVALID',
  'A request names exactly one host: Host: name or name:port',
  400,
)
export const PathInvalid = createError(
  'HTTP_PATH_INVALID',
  'The path has a segment, an escape or a character that could be read in two ways',
  400,
)
export const BodyUnexpected = createError(
  'HTTP_BODY_UNEXPECTED',
  'A GET or HEAD request has no body',
  400,
)
export const TooManyHeaders = createError<[limit: number]>(
  'HTTP_TOO_MANY_HEADERS',
  'A request has no more than %d header fields',
  431,
)

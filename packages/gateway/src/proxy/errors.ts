import createError from '@fastify/error'

export const ServiceNotConfigured = createError<[service: string]>(
  'PROXY_SERVICE_NOT_CONFIGURED',
  'The %s service is not part of this installation',
  404,
)
/** Our own key was refused: nothing that the caller could mend, so not their 401. */
export const KeyRefused = createError<[service: string]>(
  'PROXY_KEY_REFUSED',
  "The %s service does not accept the gateway's key",
  502,
)
export const BodyTooLarge = createError('REQUEST_TOO_LARGE', 'The body is too large', 413)
export const BodyNotJson = createError('REQUEST_MALFORMED_JSON', 'The body is not JSON', 400)
export const BodyTypeRefused = createError(
  'REQUEST_UNSUPPORTED_MEDIA_TYPE',
  'Send the body as application/json, not encoded',
  415,
)
export const NotOwnPresence = createError(
  'ACCESS_NOT_OWN_PRESENCE',
  'Your roles allow to set your own presence only: entityId must be your id',
  403,
)
export const NotOnlyTasks = createError(
  'ACCESS_NOT_ONLY_TASKS',
  'Your roles allow batches of tasks only',
  403,
)

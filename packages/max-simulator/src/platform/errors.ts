/** What the platform refuses with: the code is MAX's own, the body is `{code, message}`. */
import createError from '@fastify/error'

export const InvalidToken = createError('verify.token', 'Invalid access_token', 401)
export const TokenInQuery = createError(
  'verify.token',
  'Query parameter access_token is deprecated, use Authorization header',
  401,
)
export const BadPayload = createError<[reason: string]>('proto.payload', '%s', 400)
export const AttachmentNotReady = createError<[kind: string]>(
  'attachment.not.ready',
  'Key: errors.process.attachment.%s.not.processed',
  400,
)
export const ChatDenied = createError<[reason: string]>('chat.denied', '%s', 403)
export const AccessDenied = createError<[reason: string]>('access.denied', '%s', 403)
export const ChatNotFound = createError<[chatId: number]>(
  'chat.not.found',
  'Chat %s not found',
  404,
)
export const MessageNotFound = createError<[mid: string]>('not.found', 'Message %s not found', 404)
export const NotFound = createError<[what: string]>('not.found', '%s not found', 404)
export const MethodNotAllowed = createError<[reason: string]>('method.not.allowed', '%s', 405)
export const TooManyRequests = createError<[limit: string]>('too.many.requests', '%s', 429)

/** The control API's own refusals; they are no part of MAX. */
export const ControlNotFound = createError<[what: string]>('control.not.found', '%s not found', 404)
export const ControlConflict = createError<[reason: string]>('control.conflict', '%s', 409)
export const ControlInvalid = createError<[reason: string]>('control.invalid', '%s', 400)
export const ControlForeignHost = createError<[host: string]>(
  'control.foreign.host',
  'The simulator answers to loopback names only, not to "%s"',
  403,
)

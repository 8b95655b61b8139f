import createError from '@fastify/error'

export const TokenMissing = createError(
  'AUTH_TOKEN_MISSING',
  'Log in and send the access token: Authorization: Bearer <token>',
  401,
)
export const TokenInvalid = createError(
  'AUTH_TOKEN_INVALID',
  'The access token is not one of ours or is no longer good',
  401,
)
export const TokenExpired = createError(
  'AUTH_TOKEN_EXPIRED',
  'The access token has expired: refresh it',
  401,
)
export const SessionEnded = createError(
  'AUTH_SESSION_ENDED',
  'The session was ended: log in again',
  401,
)
export const CredentialsRefused = createError(
  'AUTH_CREDENTIALS_REFUSED',
  'User name and password do not belong together',
  401,
)
/** 403 and not 401: who calls is known, and a client must not take it for the end of its session. */
export const CurrentPasswordWrong = createError(
  'AUTH_CURRENT_PASSWORD_WRONG',
  'The current password is wrong',
  403,
)
export const RefreshTokenRefused = createError(
  'AUTH_REFRESH_TOKEN_REFUSED',
  'The refresh token is not good any more: log in again',
  401,
)
export const TooManyAttempts = createError(
  'AUTH_TOO_MANY_ATTEMPTS',
  'Too many failed logins: wait before the next one',
  429,
)
export const SessionUnknown = createError(
  'AUTH_SESSION_UNKNOWN',
  'There is no such session of yours',
  404,
)
export const PersonsUnavailable = createError(
  'AUTH_UNAVAILABLE',
  'Who you are cannot be checked now, because the admin service does not answer',
  503,
)
/** Revocations have not been read for so long that ended sessions might be taken for living ones. */
export const RevocationsStale = createError(
  'AUTH_REVOCATIONS_STALE',
  'Tokens cannot be checked now',
  503,
)
export const LinkCodesExhausted = createError(
  'AUTH_LINK_CODES_EXHAUSTED',
  'No free code was found: try again',
  503,
)
export const SecretTooShort = createError<[variable: string]>(
  'CONFIG_INVALID',
  'Invalid environment: each secret in %s must have at least 16 characters',
  500,
)

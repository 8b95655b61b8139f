import createError from '@fastify/error'

export const UserNotFound = createError<[ref: string]>(
  'USERS_NOT_FOUND',
  'There is no person "%s"',
  404,
)
export const UsernameTaken = createError<[username: string]>(
  'USERS_USERNAME_TAKEN',
  'Somebody else is called "%s" already',
  409,
)
export const MaxUserIdTaken = createError<[maxUserId: number]>(
  'USERS_MAX_USER_ID_TAKEN',
  'The MAX account %d belongs to somebody else already',
  409,
)
export const TimeZoneUnknown = createError<[timeZone: string]>(
  'USERS_TIME_ZONE_UNKNOWN',
  '"%s" is no time zone of the IANA database, such as Europe/Moscow',
  422,
)
export const UserChanged = createError(
  'USERS_PRECONDITION_FAILED',
  'The person has changed since: read again and send the new ETag in If-Match',
  412,
)
export const CursorInvalid = createError(
  'USERS_CURSOR_INVALID',
  'The cursor is none of ours: take nextCursor of the page before as it is',
  400,
)
/** One answer for an unknown name, a wrong password, a person without one, and an inactive person. */
export const CredentialsWrong = createError(
  'USERS_CREDENTIALS_WRONG',
  'Name or password is wrong',
  401,
)
/** 403 and not 401: who calls is known, and a client must not take it for the end of its session. */
export const CurrentPasswordWrong = createError(
  'USERS_CURRENT_PASSWORD_WRONG',
  'The current password is wrong',
  403,
)
/** Too many passwords wait to be hashed. */
export const PasswordsBusy = createError(
  'USERS_PASSWORDS_BUSY',
  'Too many passwords are being checked now; try again in a moment',
  503,
)

import createError from '@fastify/error'

export const DocumentNotFound = createError<[entity: string, id: string]>(
  'DOCUMENTS_NOT_FOUND',
  'There is no document %s/%s',
  404,
)
export const DocumentExists = createError<[entity: string, id: string]>(
  'DOCUMENTS_EXISTS',
  'There is a document %s/%s already; PUT replaces it',
  409,
)
export const PreconditionFailed = createError(
  'DOCUMENTS_PRECONDITION_FAILED',
  'The document is not as If-Match or If-None-Match wants it: read it again',
  412,
)
/** The problem carries `version` (given) and `storedVersion`. */
export const StaleVersion = createError<[version: number, stored: number]>(
  'DOCUMENTS_STALE_VERSION',
  'Version %d came too late: version %d is stored or was deleted',
  412,
)
export const TooDeep = createError<[limit: number]>(
  'DOCUMENTS_TOO_DEEP',
  'The document is nested deeper than %d levels',
  422,
)
export const NumberTooBig = createError(
  'DOCUMENTS_NUMBER_TOO_BIG',
  'The document has a number beyond ±1.8e308, which no JSON reader keeps',
  422,
)
export const CursorInvalid = createError(
  'DOCUMENTS_CURSOR_INVALID',
  'The cursor is none of ours, or of another sort order: take nextCursor of the page before as it is',
  400,
)

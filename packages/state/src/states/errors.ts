import createError from '@fastify/error'

const NotFound = createError<[entity: string, id: string]>(
  'STATES_NOT_FOUND',
  'There is no %s %s',
  404,
)

export const notFound = (entity: string, id: string): Error => new NotFound(entity, id)
export const isNotFound = (error: unknown): error is Error => error instanceof NotFound

export const HistoryVersionNotFound = createError<[entity: string, id: string, when: string]>(
  'STATES_VERSION_NOT_FOUND',
  '%s %s did not exist %s',
  404,
)

const InvalidTransition = createError<[from: string, to: string, allowed: string]>(
  'STATES_INVALID_TRANSITION',
  '%s to %s is not allowed; possible: %s',
  409,
)

/** 409 with what would be allowed. @param from null: a new entity */
export function invalidTransition(
  from: string | null,
  to: string,
  allowed: readonly string[],
): Error {
  const possible = allowed.length === 0 ? 'nothing' : allowed.join(', ')
  const error = new InvalidTransition(from ?? 'A new entity', to, possible)
  return Object.assign(error, { extension: { from, to, allowed } })
}

const UnknownStatus = createError<[status: string, entity: string, known: string]>(
  'STATES_UNKNOWN_STATUS',
  '%s is no status of %s; known: %s',
  422,
)

/** 422 with the statuses that the rules know. */
export function unknownStatus(entity: string, status: string, known: readonly string[]): Error {
  return Object.assign(new UnknownStatus(status, entity, known.join(', ')), {
    extension: { known },
  })
}

const AlreadyExists = createError<[entity: string, id: string]>(
  'STATES_ALREADY_EXISTS',
  '%s %s exists already',
  412,
)

/** 412: only a creation was asked for. */
export function alreadyExists(entity: string, id: string, version: number): Error {
  return Object.assign(new AlreadyExists(entity, id), { extension: { currentVersion: version } })
}

const PreconditionFailed = createError<[entity: string, id: string, version: string]>(
  'STATES_PRECONDITION_FAILED',
  '%s %s is not what the precondition expects: %s',
  412,
)

/** 412 with the version that there is. */
export function preconditionFailed(entity: string, id: string, version: number | undefined): Error {
  const what = version === undefined ? 'it does not exist' : `its version is ${version}`
  return Object.assign(new PreconditionFailed(entity, id, what), {
    extension: version === undefined ? {} : { currentVersion: version },
  })
}

export const NotOwner = createError<[entity: string, id: string]>(
  'STATES_NOT_OWNER',
  '%s %s was neither created by nor assigned to the one who asks',
  403,
)

export const NoTimeToLive = createError<[status: string, entity: string]>(
  'STATES_NO_TIME_TO_LIVE',
  'ttlSeconds is only possible for a status with an expiry rule; %s of %s has none',
  422,
)

export const NothingToRenew = createError<[entity: string, id: string, status: string]>(
  'STATES_NOTHING_TO_RENEW',
  '%s %s is %s, which does not expire: there is nothing that a heartbeat could extend',
  409,
)

export const MetadataTooLarge = createError<[limit: number]>(
  'STATES_METADATA_TOO_LARGE',
  'The metadata would be larger than %d bytes',
  422,
)

export const MetadataTooDeep = createError<[limit: number]>(
  'STATES_METADATA_TOO_DEEP',
  'The metadata would be nested deeper than %d levels',
  422,
)

export const IndexedArrayTooLong = createError<[path: string, limit: number]>(
  'STATES_INDEXED_ARRAY_TOO_LONG',
  'metadata.%s is indexed and may hold at most %d elements',
  422,
)

const QueryTooExpensive = createError<[advice: string]>(
  'STATES_QUERY_TOO_EXPENSIVE',
  'The query took too long and was ended; %s',
  422,
)

function adviceFor(entity: string, unindexed: readonly string[], indexed: boolean): string {
  if (indexed) return 'ask for fewer states at once, or try again in a moment'
  return unindexed.length > 0
    ? `declare ${unindexed.map((path) => `metadata.${path}`).join(', ')} in the indexes of the machine ${entity}`
    : 'select by status, by time or by an indexed metadata path, and sort by updatedAt'
}

/**
 * 422 that says what would help.
 * @param unindexed metadata paths of the query without an index
 * @param indexed an index served it, and it took too long all the same
 */
export function queryTooExpensive(
  entity: string,
  unindexed: readonly string[],
  indexed: boolean,
): Error {
  const advice = adviceFor(entity, unindexed, indexed)
  return Object.assign(new QueryTooExpensive(advice), { extension: { unindexed } })
}

/** Somebody else created an entity of this write meanwhile: it is done again and sees it. Never leaves the plugin. */
export const CreatedMeanwhile = createError(
  'STATES_CREATED_MEANWHILE',
  'The entity was created by somebody else at the same time; try again',
  503,
)

import createError from '@fastify/error'

/** The database cannot be reached or used at the moment; answer 503 with Retry-After. `cause` says why. */
export const DatabaseUnavailable = createError<[string]>(
  'DATABASE_UNAVAILABLE',
  'The database cannot be used now: %s',
  503,
)

/** Another process holds the file. Only at start. */
export const DatabaseInUse = createError<[string]>(
  'DATABASE_IN_USE',
  'Another process uses %s. One process a file: stop it, or set POTOK_DATA_DIR to another directory',
  500,
)

/** A write took longer than `writeTimeoutMs`: it awaited something that is not SQL. It was rolled back. */
export const DatabaseWriteTimeout = createError<[number]>(
  'DATABASE_WRITE_TIMEOUT',
  'The write took longer than %d ms and was rolled back',
  503,
)

/** A query was sent through a transaction that had already been committed or rolled back. A bug of the caller. */
export const DatabaseTransactionOver = createError(
  'DATABASE_TRANSACTION_OVER',
  'The transaction is over: a query was not awaited inside the write it belongs to',
  500,
)

/** PostgreSQL refused to commit because a statement had failed and `work` swallowed its error. */
export const DatabaseWriteAborted = createError(
  'DATABASE_WRITE_ABORTED',
  'A statement of the write failed and its error was not passed on: nothing was stored',
  500,
)

/** A transaction that did not come from `write` of this database. A bug of the caller. */
export const DatabaseForeignTransaction = createError(
  'DATABASE_FOREIGN_TRANSACTION',
  'The transaction was not made by the write of this database',
  500,
)

/** A backup or restore that would do harm or could not be trusted. */
export const BackupRefused = createError<[string]>('DATABASE_BACKUP_REFUSED', '%s', 500)

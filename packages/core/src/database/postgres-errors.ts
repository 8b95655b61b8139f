import { DatabaseUnavailable } from './errors.ts'

/** SQLSTATE and system codes that say "not reachable now". 08: connection; 57P0x: the server shuts down or starts; 53: out of resources. */
const UNAVAILABLE =
  /^(08...|57P0[123]|53...|ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOENT)$/
/** pg raises these without a code. */
const BROKEN =
  /Connection terminated|timeout exceeded when trying to connect|not queryable|Cannot use a pool after calling end/
/** Serialization failure and deadlock: the same transaction may succeed when it is run again. */
const REPEATABLE = new Set(['40001', '40P01'])

export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

export const isRepeatable = (error: unknown): boolean => REPEATABLE.has(sqlState(error) ?? '')

/** Turns what says that PostgreSQL cannot be used into {@link DatabaseUnavailable}; leaves all else. */
export function fromPostgres(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DatabaseUnavailable) return error
  if (!UNAVAILABLE.test(sqlState(error) ?? '') && !BROKEN.test(error.message)) return error
  // Not the message: it names host and port, and this text reaches clients.
  const unavailable = new DatabaseUnavailable(sqlState(error) ?? 'no connection')
  unavailable.cause = error
  return unavailable
}

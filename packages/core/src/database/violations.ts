import { sqlState } from './postgres-errors.ts'
import { isSqliteUniqueViolation } from './sqlite-errors.ts'

/** The row exists already, in either dialect. */
export const isUniqueViolation = (error: unknown): boolean =>
  isSqliteUniqueViolation(error) || sqlState(error) === '23505'

/** PostgreSQL ended the statement at its `statement_timeout` (which a reader may set lower for itself). */
export const isStatementTimeout = (error: unknown): boolean => sqlState(error) === '57014'

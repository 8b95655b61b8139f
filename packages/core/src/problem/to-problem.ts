import { STATUS_CODES } from 'node:http'
import type { FastifyError } from 'fastify'
import type { FieldError, Problem } from '@potok/contracts/problem'
import { fieldErrors } from '../validation/index.ts'

/** Anything thrown may carry these; the mapper reads them by name, across package borders. */
export interface ProblemSource extends Partial<Omit<FastifyError, 'validation'>> {
  validation?: Parameters<typeof fieldErrors>[0]
  errors?: FieldError[]
  /** At the gateway: which part said no, such as `upstream_timeout`. */
  reason?: string
  retryAfterSeconds?: number
  /** Refused at a high rate by design, and counted: a line in the log each would only add to the load. */
  isRoutine?: boolean
  /** Members of the problem beside the standard ones, such as `allowed` of a forbidden transition. */
  extension?: Record<string, unknown>
}

/** Fastify's own conditions under names of ours, so that clients see one vocabulary. */
const CODES: Record<string, string> = {
  FST_ERR_VALIDATION: 'REQUEST_INVALID',
  VALUE_REFUSED: 'REQUEST_INVALID',
  FST_ERR_CTP_INVALID_JSON_BODY: 'REQUEST_MALFORMED_JSON',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'REQUEST_MALFORMED_JSON',
  FST_ERR_CTP_BODY_TOO_LARGE: 'REQUEST_TOO_LARGE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'REQUEST_INVALID_LENGTH',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'REQUEST_UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_BAD_URL: 'REQUEST_INVALID_PATH',
  FST_ERR_MAX_PARAM_LENGTH: 'REQUEST_INVALID_PATH',
}

/**
 * Maps anything thrown to RFC 9457. A 5xx without a code of ours says nothing about its cause.
 * @param context the request's correlation id and path
 */
export function toProblem(
  error: ProblemSource,
  context: { correlationId: string; path: string },
): Problem {
  const status = statusOf(error)
  const own = ownCode(error)
  const ours = own !== undefined
  const code = (ours ? undefined : CODES[String(error.code)]) ?? own ?? fallbackCode(status)
  // A 5xx of our own vocabulary (upstream down, database away) is written for the client; any other is not.
  const silent = status >= 500 && !ours
  const errors = error.errors ?? errorsOf(error)
  return {
    type: `/problems/${code.toLowerCase().replaceAll('_', '-')}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    ...(silent || error.message === undefined ? {} : { detail: error.message }),
    instance: context.path,
    code,
    correlationId: context.correlationId,
    ...(error.reason === undefined ? {} : { reason: error.reason }),
    ...(errors === undefined ? {} : { errors }),
    ...(silent ? {} : error.extension),
  }
}

/**
 * The code where it is of our vocabulary. Libraries, databases and DOMExceptions have codes of their own, also numbers;
 * only ours come with the status to answer.
 */
function ownCode({ code, statusCode }: ProblemSource): string | undefined {
  if (typeof code !== 'string' || statusCode === undefined || code in CODES) return undefined
  return /^(?:FST_|ERR_|UND_)|^E[A-Z0-9]+$/u.test(code) ? undefined : code
}

function statusOf({ validation, statusCode = 500 }: ProblemSource): number {
  if (validation !== undefined) return 400
  return statusCode >= 400 && statusCode < 600 ? statusCode : 500
}

function fallbackCode(status: number): string {
  return status >= 500 ? 'INTERNAL_ERROR' : 'REQUEST_REFUSED'
}

function errorsOf({ validation, validationContext }: ProblemSource): FieldError[] | undefined {
  if (validation === undefined) return undefined
  return fieldErrors(validation, `/${validationContext ?? 'body'}`)
}

import createError from '@fastify/error'
import type { FieldError } from '@potok/contracts/problem'

const Invalid = createError<[line: number]>(
  'TRANSFER_LINE_INVALID',
  'Line %d is not what an import takes; what came before it is stored',
  422,
)

/** 422 with what is wrong in which line. */
export function lineInvalid(line: number, errors: FieldError[]): Error {
  return Object.assign(new Invalid(line), { errors, extension: { line } })
}

export const LineTooLong = createError<[line: number, limit: number]>(
  'TRANSFER_LINE_TOO_LONG',
  'Line %d is longer than %d bytes; what came before it is stored',
  413,
)

const Conflict = createError<[line: number, entity: string, id: string]>(
  'TRANSFER_CONFLICT',
  'Line %d: there is another %s %s already; what came before it is stored',
  409,
)

/** 409: with `existing=refuse`, something else is stored under that name. */
export function conflict(line: number, entity: string, id: string): Error {
  return Object.assign(new Conflict(line, entity, id), {
    extension: { line, entity, entityId: id },
  })
}

export const Truncated = createError<[lines: number]>(
  'TRANSFER_TRUNCATED',
  'The export was cut off: after %d lines its last line is missing, or its counts differ; what came is stored',
  422,
)

const Busy = createError<[what: string]>(
  'TRANSFER_BUSY',
  'There are as many %s under way as there may be; try again later',
  503,
)
const BUSY_RETRY_SECONDS = 10

export const busy = (what: 'exports' | 'imports'): Error =>
  Object.assign(new Busy(what), { retryAfterSeconds: BUSY_RETRY_SECONDS })

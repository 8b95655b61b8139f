/**
 * The log of a process: one JSON object a line, with the field names that the commission fixed.
 */
import type { LogController } from 'fastify'
import { pino, type DestinationStream, type Logger } from 'pino'
import pretty from 'pino-pretty'
import type { BaseConfig } from '../config/schemas.ts'
import { CENSORED, redacted, SECRET_FIELDS } from './redaction.ts'
import { RequestLog } from './request-log.ts'
import { createTimestamp } from './timestamp.ts'

export type { Logger } from 'pino'
export { addToLog, requestLogger } from './request-log.ts'

/**
 * What is told of an error: an allow-list, because libraries hang whole commands and requests on theirs (a refused
 * Redis login carries the password).
 */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { name, message, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  return {
    type: name,
    message,
    stack,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(cause === undefined ? {} : { cause: errorFields(cause) }),
  }
}

/**
 * Standard output, many lines a write: one write each would cost as much as the rest of a small request, and a pipe whose
 * reader is slow would stop the process. `fatal` and the end of the process write what is left.
 */
const OUTPUT = {
  dest: 1,
  sync: false,
  minLength: 8192,
  periodicFlush: 100,
  /** Lines are dropped rather than memory filled when nobody reads them. */
  maxLength: 64 * 1024 * 1024,
}

/**
 * Creates the process's logger.
 * @param destination where lines go; default is standard output
 */
export function createLogger(
  config: Pick<BaseConfig, 'APP_NAME' | 'LOG_LEVEL' | 'LOG_FORMAT'>,
  destination?: DestinationStream,
): Logger {
  const stream =
    destination ??
    (config.LOG_FORMAT === 'pretty'
      ? pretty({
          messageKey: 'message',
          timestampKey: 'timestamp',
          ignore: 'service,context',
          messageFormat: '{if context}{context}: {end}{message}',
          singleLine: true,
          sync: true,
        })
      : undefined)
  const options = {
    level: config.LOG_LEVEL,
    messageKey: 'message',
    base: { service: config.APP_NAME },
    timestamp: createTimestamp(Date.now),
    formatters: {
      level: (level: string) => ({ level }),
      log: (fields: Record<string, unknown>) => redacted(fields),
    },
    serializers: { err: errorFields },
    // What children are bound to does not pass the formatter.
    redact: { paths: SECRET_FIELDS.map((name) => `["${name}"]`), censor: CENSORED },
  }
  return pino(options, stream ?? pino.destination(OUTPUT))
}

export const requestLog = (log: Logger): LogController => new RequestLog(log)

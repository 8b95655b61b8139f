/**
 * The log of a process: one JSON object a line, with the field names that the commission fixed.
 */
import { LogController } from 'fastify'
import { pino, type DestinationStream, type Logger } from 'pino'
import pretty from 'pino-pretty'
import type { BaseConfig } from '../config/schemas.ts'

export type { Logger } from 'pino'

/** Where secrets could stand in what we log; central, because a forgotten one cannot be taken back. */
const REDACTED = [
  'authorization',
  'cookie',
  'password',
  'newPassword',
  'currentPassword',
  '["x-api-key"]',
  'secret',
  'token',
  'apiKey',
  'access_token',
  'refresh_token',
  '*.authorization',
  '*.cookie',
  '*.password',
  '*.newPassword',
  '*.currentPassword',
  '*.secret',
  '*.token',
  '*.apiKey',
  '*.access_token',
  '*.refresh_token',
  '*["x-api-key"]',
  '*["x-max-bot-api-secret"]',
  '*["set-cookie"]',
  'req.headers',
]

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
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (level: string) => ({ level }) },
    serializers: { err: errorFields },
    redact: { paths: REDACTED, censor: '[redacted]' },
  }
  return stream === undefined ? pino(options) : pino(options, stream)
}

/** One line per finished request; probes and scrapes only at debug. */
class RequestLog extends LogController {
  override incomingRequest(): void {
    // The completed line says all of it; two lines a request would double the cost of logging.
  }

  override requestCompleted(
    ...[error, request, reply]: Parameters<LogController['requestCompleted']>
  ): void {
    const quiet = request.routeOptions.config.quiet === true
    const fields = {
      context: 'Http',
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 100) / 100,
      ...(error ? { error: error.message } : {}),
    }
    if (quiet) request.log.debug(fields, 'request completed')
    else request.log.info(fields, 'request completed')
  }
}

export const requestLog = (): LogController =>
  new RequestLog({ requestIdLogLabel: 'correlationId' })

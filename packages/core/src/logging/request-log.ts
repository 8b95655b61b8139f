import { LogController, type FastifyBaseLogger } from 'fastify'
import type { Bindings, ChildLoggerOptions, Logger } from 'pino'

type Line = unknown[]

/**
 * The log of one request, made when the first line is written. Most requests write one line, the access line, which needs
 * none: a child a request, and another for the name of the person, cost more than the line.
 */
export class RequestLogger implements FastifyBaseLogger {
  readonly #parent: FastifyBaseLogger
  readonly #options: ChildLoggerOptions
  #child: FastifyBaseLogger | undefined
  /** What every line of the request says. */
  readonly bindings: Bindings

  constructor(parent: FastifyBaseLogger, bindings: Bindings, options: ChildLoggerOptions) {
    this.#parent = parent
    this.#options = options
    this.bindings = bindings
  }

  get level(): string {
    return this.#log.level
  }

  set level(level: string) {
    this.#log.level = level
  }

  get #log(): FastifyBaseLogger {
    return (this.#child ??= this.#parent.child(this.bindings, this.#options))
  }

  fatal(...line: Line): void {
    Reflect.apply(this.#log.fatal, this.#log, line)
  }
  error(...line: Line): void {
    Reflect.apply(this.#log.error, this.#log, line)
  }
  warn(...line: Line): void {
    Reflect.apply(this.#log.warn, this.#log, line)
  }
  info(...line: Line): void {
    Reflect.apply(this.#log.info, this.#log, line)
  }
  debug(...line: Line): void {
    Reflect.apply(this.#log.debug, this.#log, line)
  }
  trace(...line: Line): void {
    Reflect.apply(this.#log.trace, this.#log, line)
  }
  silent(): void {}

  child(bindings: Bindings, options?: ChildLoggerOptions): FastifyBaseLogger {
    const merged = { ...this.#options, ...options }
    return new RequestLogger(this.#parent, { ...this.bindings, ...bindings }, merged)
  }
}

/** Fastify's `childLoggerFactory`. */
export const requestLogger = (
  parent: FastifyBaseLogger,
  bindings: Bindings,
  options: ChildLoggerOptions,
): FastifyBaseLogger => new RequestLogger(parent, bindings, options)

/** One line per finished request; probes and scrapes only at debug. */
export class RequestLog extends LogController {
  readonly #log: Logger

  constructor(log: Logger) {
    super({ requestIdLogLabel: 'correlationId' })
    // Its fields are named here, none can hold a secret: looking for one would cost as much as the line.
    this.#log = log.child({ context: 'Http' }, { redact: [] })
  }

  override incomingRequest(): void {
    // The completed line says all of it; two lines a request would double the cost of logging.
  }

  override requestCompleted(
    ...[error, request, reply]: Parameters<LogController['requestCompleted']>
  ): void {
    const { log } = request
    const quiet = request.routeOptions.config.quiet === true
    const fields = {
      ...(log instanceof RequestLogger ? log.bindings : { correlationId: request.id }),
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 100) / 100,
      ...request.refusal,
      ...(error ? { error: error.message } : {}),
    }
    if (quiet) this.#log.debug(fields, 'request completed')
    else this.#log.info(fields, 'request completed')
  }
}

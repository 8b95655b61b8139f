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
  readonly #own: Bindings
  /** The one it is a child of. Its bindings are put together when there is a line to say them. */
  readonly #before: RequestLogger | undefined
  #child: FastifyBaseLogger | undefined

  constructor(
    parent: FastifyBaseLogger,
    bindings: Bindings,
    options: ChildLoggerOptions,
    before?: RequestLogger,
  ) {
    this.#parent = parent
    this.#options = options
    this.#own = bindings
    this.#before = before
  }

  /** Says this in every line from now on; a child for it would cost more. */
  setBindings(bindings: Bindings): void {
    Object.assign(this.#own, bindings)
    this.#child = undefined
  }

  /** Adds what every line of the request says. */
  addTo(fields: Bindings): Bindings {
    this.#before?.addTo(fields)
    return Object.assign(fields, this.#own)
  }

  get level(): string {
    return this.#log.level
  }

  set level(level: string) {
    this.#log.level = level
  }

  get #log(): FastifyBaseLogger {
    return (this.#child ??= this.#parent.child(this.addTo({}), this.#options))
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
    const merged = options === undefined ? this.#options : { ...this.#options, ...options }
    return new RequestLogger(this.#parent, { ...bindings }, merged, this)
  }
}

/** Adds to what every line of a request says from now on. */
export function addToLog(request: { log: FastifyBaseLogger }, bindings: Bindings): void {
  const { log } = request
  if (log instanceof RequestLogger) log.setBindings(bindings)
  else request.log = log.child(bindings)
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
    // Put together anew each time it is asked for.
    const { config, url = 'unknown' } = request.routeOptions
    const bindings: Bindings = {}
    if (log instanceof RequestLogger) log.addTo(bindings)
    else bindings['correlationId'] = request.id
    // Assigned, not spread: with copies for each child and for the line it cost five times as much.
    const fields = Object.assign(bindings, {
      method: request.method,
      route: url,
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 100) / 100,
    })
    if (request.refusal !== undefined) Object.assign(fields, request.refusal)
    if (error) Object.assign(fields, { error: error.message })
    if (config.quiet === true) this.#log.debug(fields, 'request completed')
    else this.#log.info(fields, 'request completed')
  }
}

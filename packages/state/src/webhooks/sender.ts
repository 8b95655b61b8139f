import { performance } from 'node:perf_hooks'
import type { Dispatcher } from 'undici'
import type { Connections } from './connections.ts'
import { TargetForbidden } from './connector.ts'
import { Exchange, type Exchanged } from './exchange.ts'
import { retryAfterMs } from './schedule.ts'

/** A kept-alive connection that dies sooner was closed by the other side before it saw our request. */
const STALE_MS = 1000
/** Not the endpoint's fault: we have no descriptors, ports or memory left, or are closing. */
const OUR_FAULTS = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOBUFS',
  'EADDRNOTAVAIL',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
])

export interface Sending {
  url: string
  headers: Record<string, string>
  body: Buffer
  /** For headers and body of the response, a second try included. */
  timeoutMs: number
  signal: AbortSignal
}

/** What came back. */
export interface Reply {
  /** `performance.now()` of the start. */
  startedAt: number
  durationMs: number
  responseStatus?: number
  /** The first 4 kB. */
  responseBody?: string
  /** Why there is no status, or why its response did not come to an end. */
  error?: string
  /** Of 429 and 503. */
  retryAfterMs?: number
  /** The endpoint was never asked: an operator has to open the way to it. */
  refused?: boolean
}

/** We could not send; says nothing about the endpoint. */
export class OurFault extends Error {}

class Overdue extends Error {
  constructor(timeoutMs: number) {
    super(`no complete response within ${timeoutMs} ms`)
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** Why there is no response, in one line. @throws OurFault */
function failureOf(error: unknown): Pick<Reply, 'error' | 'refused'> {
  const code = codeOf(error)
  if (OUR_FAULTS.has(code)) throw new OurFault('could not send', { cause: error })
  if (error instanceof TargetForbidden) return { error: error.message, refused: true }
  const text = error instanceof Error ? error.message : 'the request failed'
  return { error: code === '' || text.includes(code) ? text : `${code}: ${text}` }
}

/** One attempt under way: the second try on a new connection belongs to it. */
class Attempt {
  readonly #connections: Connections
  readonly #options: Dispatcher.DispatchOptions
  readonly #responseLimit: number
  #exchange: Exchange
  #stopped = false

  constructor(connections: Connections, { url, headers, body }: Sending, responseLimit: number) {
    const { origin, pathname, search } = new URL(url)
    this.#connections = connections
    this.#responseLimit = responseLimit
    this.#exchange = new Exchange(responseLimit)
    this.#options = { origin, path: `${pathname}${search}`, method: 'POST', headers, body }
  }

  stop(reason: Error): void {
    this.#stopped = true
    this.#exchange.abort(reason)
  }

  /** Tries again at once when a kept-alive connection turns out to be dead. */
  async run(): Promise<Exchanged> {
    const startedAt = performance.now()
    try {
      return await this.#dispatch()
    } catch (error) {
      const stale = performance.now() - startedAt < STALE_MS
      if (!stale || this.#stopped || !this.#connections.diedWhileKept(error)) throw error
      this.#exchange = new Exchange(this.#responseLimit)
      return this.#dispatch()
    }
  }

  #dispatch(): Promise<Exchanged> {
    this.#connections.agent.dispatch(this.#options, this.#exchange)
    return this.#exchange.done
  }
}

function repliedBy({ status, headers, body }: Exchanged) {
  const asked = status === 429 || status === 503
  const wait = asked ? retryAfterMs(headers['retry-after'], Date.now()) : undefined
  return {
    responseStatus: status,
    responseBody: body,
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  }
}

/** Sends deliveries: plain HTTP over connections kept alive, no redirects, bounded in time and size. */
export class Sender {
  readonly #connections: Connections
  readonly #responseLimit: number

  /** @param responseLimit WEBHOOK_RESPONSE_LIMIT, bytes */
  constructor(connections: Connections, responseLimit: number) {
    this.#connections = connections
    this.#responseLimit = responseLimit
  }

  /**
   * Makes one attempt.
   * @throws OurFault
   */
  async send(sending: Sending): Promise<Reply> {
    const { timeoutMs, signal } = sending
    const startedAt = performance.now()
    const attempt = new Attempt(this.#connections, sending, this.#responseLimit)
    const interrupt = (): void => attempt.stop(new Error('interrupted'))
    const timer = setTimeout(() => attempt.stop(new Overdue(timeoutMs)), timeoutMs)
    signal.addEventListener('abort', interrupt, { once: true })
    try {
      const exchanged = await attempt.run()
      return { startedAt, durationMs: performance.now() - startedAt, ...repliedBy(exchanged) }
    } catch (error) {
      const durationMs = performance.now() - startedAt
      if (signal.aborted) throw new OurFault('interrupted', { cause: error })
      return { startedAt, durationMs, ...failureOf(error) }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', interrupt)
    }
  }
}

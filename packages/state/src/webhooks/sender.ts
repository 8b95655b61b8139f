import { performance } from 'node:perf_hooks'
import type { Dispatcher } from 'undici'
import type { Connections } from './connections.ts'
import { TargetForbidden } from './connector.ts'
import { Exchange, type Exchanged } from './exchange.ts'
import { retryAfterMs } from './schedule.ts'
import type { SignedRequest } from './signed-request.ts'
import type { Target } from './subscriber.ts'

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

/** Where to, and for how long. */
export interface Destination {
  target: Target
  /** For headers and body of the response, a second try included. */
  timeoutMs: number
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
  #exchange: Exchange | undefined
  #stopped = false

  constructor(
    connections: Connections,
    { headers, body }: SignedRequest,
    { origin, path }: Target,
    responseLimit: number,
  ) {
    this.#connections = connections
    this.#responseLimit = responseLimit
    this.#options = { origin, path, method: 'POST', headers, body }
  }

  stop(reason: Error): void {
    this.#stopped = true
    this.#exchange?.abort(reason)
  }

  /** Tries again at once when a kept-alive connection turns out to be dead. */
  async run(): Promise<Exchanged> {
    const startedAt = performance.now()
    try {
      return await this.#dispatch()
    } catch (error) {
      const stale = performance.now() - startedAt < STALE_MS
      if (!stale || this.#stopped || !this.#connections.diedWhileKept(error)) throw error
      return this.#dispatch()
    }
  }

  #dispatch(): Promise<Exchanged> {
    return new Promise((resolve, reject) => {
      this.#exchange = new Exchange(this.#responseLimit, resolve, reject)
      this.#connections.agent.dispatch(this.#options, this.#exchange)
    })
  }
}

function replyOf({ status, headers, body }: Exchanged, startedAt: number): Reply {
  const durationMs = performance.now() - startedAt
  const reply: Reply = { startedAt, durationMs, responseStatus: status, responseBody: body }
  const asked = status === 429 || status === 503
  const wait = asked ? retryAfterMs(headers['retry-after'], Date.now()) : undefined
  if (wait !== undefined) reply.retryAfterMs = wait
  return reply
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
   * Makes one attempt. What is under way when the connections are closed is interrupted, which is a fault of ours.
   * @throws OurFault
   */
  async send(request: SignedRequest, { target, timeoutMs }: Destination): Promise<Reply> {
    const startedAt = performance.now()
    const attempt = new Attempt(this.#connections, request, target, this.#responseLimit)
    const timer = setTimeout(() => attempt.stop(new Overdue(timeoutMs)), timeoutMs)
    try {
      return replyOf(await attempt.run(), startedAt)
    } catch (error) {
      return { startedAt, durationMs: performance.now() - startedAt, ...failureOf(error) }
    } finally {
      clearTimeout(timer)
    }
  }
}

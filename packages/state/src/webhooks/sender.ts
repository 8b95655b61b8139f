import { performance } from 'node:perf_hooks'
import { request, type Dispatcher } from 'undici'
import type { Connections } from './connections.ts'
import { TargetForbidden } from './connector.ts'
import { retryAfterMs } from './schedule.ts'

/** What is kept of a response. */
const BODY_BYTES = 4096
/** A connection whose response has more than this left is not worth keeping. */
const DRAIN_BYTES = 65_536
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
  body: string
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

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

// Bytes that are no text, and a character cut in two at the end, become replacement characters; NUL is not storable.
const storable = (text: string): string => text.replaceAll('\0', '\uFFFD')

/** Reads what is kept of the body and lets go of the rest. */
async function readBody({ body, headers }: Dispatcher.ResponseData): Promise<string> {
  // Nearly every response says that it is short; then there is a faster way to read it.
  if (Number(headers['content-length'] ?? Number.NaN) <= BODY_BYTES)
    return storable(await body.text())
  const kept: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk)
    if (size < BODY_BYTES) kept.push(bytes.subarray(0, BODY_BYTES - size))
    size += bytes.length
    if (size > DRAIN_BYTES) break
  }
  return storable(Buffer.concat(kept).toString('utf8'))
}

/** Why there is no response, in one line. @throws OurFault */
function failureOf(error: unknown): Pick<Reply, 'error' | 'refused'> {
  const code = codeOf(error)
  if (OUR_FAULTS.has(code)) throw new OurFault('could not send', { cause: error })
  if (error instanceof TargetForbidden) return { error: error.message, refused: true }
  const text = error instanceof Error ? error.message : 'the request failed'
  return { error: code === '' || text.includes(code) ? text : `${code}: ${text}` }
}

/** Sends deliveries: plain HTTP over connections kept alive, no redirects, bounded in time and size. */
export class Sender {
  readonly #connections: Connections

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /**
   * Makes one attempt.
   * @throws OurFault
   */
  async send(sending: Sending): Promise<Reply> {
    const { timeoutMs, signal } = sending
    const startedAt = performance.now()
    const abort = new AbortController()
    const interrupt = (): void => abort.abort()
    const timer = setTimeout(interrupt, timeoutMs)
    signal.addEventListener('abort', interrupt, { once: true })
    try {
      const response = await this.#persistently(sending, abort.signal)
      return { startedAt, durationMs: performance.now() - startedAt, ...response }
    } catch (error) {
      const durationMs = performance.now() - startedAt
      if (signal.aborted) throw new OurFault('interrupted', { cause: error })
      if (abort.signal.aborted) {
        return { startedAt, durationMs, error: `no complete response within ${timeoutMs} ms` }
      }
      return { startedAt, durationMs, ...failureOf(error) }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', interrupt)
    }
  }

  /** Tries again at once, within the same attempt, when a kept-alive connection turns out to be dead. */
  async #persistently(sending: Sending, signal: AbortSignal) {
    const startedAt = performance.now()
    try {
      return await this.#request(sending, signal)
    } catch (error) {
      const stale = performance.now() - startedAt < STALE_MS
      if (!stale || signal.aborted || !this.#connections.diedWhileKept(error)) throw error
      return this.#request(sending, signal)
    }
  }

  async #request({ url, headers, body }: Sending, signal: AbortSignal) {
    const { agent: dispatcher } = this.#connections
    const response = await request(url, { method: 'POST', dispatcher, headers, body, signal })
    const { statusCode: responseStatus } = response
    const asked =
      responseStatus === 429 || responseStatus === 503
        ? retryAfterMs(response.headers['retry-after'], Date.now())
        : undefined
    const responseBody = await readBody(response)
    return { responseStatus, responseBody, ...(asked === undefined ? {} : { retryAfterMs: asked }) }
  }
}

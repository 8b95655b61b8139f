import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'

/** What is kept of a response. */
const BODY_BYTES = 4096

/** What an endpoint answered. */
export interface Exchanged {
  status: number
  headers: IncomingHttpHeaders
  /** The first 4 kB. */
  body: string
}

type Controller = Dispatcher.DispatchController

/** What is left of a response that is longer than anybody wants to read. */
class Enough extends Error {}

// Bytes that are no text, and a character cut in two at the end, become replacement characters; NUL is not storable.
const storable = (text: string): string => text.replaceAll('\0', '\uFFFD')

/**
 * One request and its response, for `agent.dispatch`: undici's own `request` builds a stream for every response, which
 * costs as much as the request itself, and answers nobody before a connection is there.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #responseLimit: number
  readonly #kept: Buffer[] = []
  readonly #resolve: (exchanged: Exchanged) => void
  readonly #reject: (error: Error) => void
  #controller: Controller | undefined
  #aborted: Error | undefined
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #size = 0

  /**
   * @param responseLimit bytes: a connection whose response goes on after this is not worth keeping
   * @param reject is told what undici says, or the reason given to {@link Exchange.abort}
   */
  constructor(
    responseLimit: number,
    resolve: (exchanged: Exchanged) => void,
    reject: (error: Error) => void,
  ) {
    this.#responseLimit = responseLimit
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Ends it with this reason, wherever it stands. */
  abort(reason: Error): void {
    this.#aborted = reason
    this.#reject(reason)
    this.#controller?.abort(reason)
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    // It waited for a connection for too long: nothing of it has been written.
    if (this.#aborted !== undefined) controller.abort(this.#aborted)
  }

  onResponseStart(_controller: Controller, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#size < BODY_BYTES) this.#kept.push(chunk.subarray(0, BODY_BYTES - this.#size))
    this.#size += chunk.length
    if (this.#size <= this.#responseLimit) return
    this.#end()
    controller.abort(new Enough())
  }

  onResponseEnd(): void {
    this.#end()
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#reject(error)
  }

  #end(): void {
    const [first] = this.#kept
    const bytes = this.#kept.length === 1 && first !== undefined ? first : Buffer.concat(this.#kept)
    const body = storable(bytes.toString('utf8'))
    this.#resolve({ status: this.#status, headers: this.#headers, body })
  }
}

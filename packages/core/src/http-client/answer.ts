import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Cut } from './cut.ts'
import { isEventStream, type Headers } from './headers.ts'

/** The answer to a proxied request. */
export interface Answer {
  statusCode: number
  headers: Headers
  /** All of it where it is short and says so, else as it comes; undefined: there is none. */
  body: Buffer | AnswerStream | undefined
}

/** Read ahead of a slow client at most. */
const READ_AHEAD_BYTES = 64 * 1024
/** An answer nobody reads is taken in when it is about this small, so that its connection can be used again. */
const DRAIN_BYTES = 64 * 1024
const DRAIN_MS = 1000

/** A body as it comes, at the pace of its reader. Destroying it aborts the upstream. */
export class AnswerStream extends Readable {
  readonly #controller: Dispatcher.DispatchController
  #isOver = false

  constructor(controller: Dispatcher.DispatchController) {
    super({ highWaterMark: READ_AHEAD_BYTES })
    this.#controller = controller
  }

  override _read(): void {
    this.#controller.resume()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#abort(error ?? new Error('nobody reads the answer'))
    done(error)
  }

  add(chunk: Buffer): void {
    if (!this.#isOver && !this.push(chunk)) this.#controller.pause()
  }

  complete(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.push(null)
  }

  fail(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.destroy(error)
  }

  /** Ends it for its reader as if the upstream had. */
  finish(): void {
    if (this.#isOver) return
    this.push(null)
    this.#abort(new Error('the answer was ended'))
  }

  /** Frees the connection behind it; nobody will read it. */
  discard(): void {
    let size = 0
    const timer = setTimeout(() => this.destroy(), DRAIN_MS)
    this.on('error', () => undefined)
    this.once('close', () => clearTimeout(timer))
    this.on('data', (chunk: Buffer) => {
      size += chunk.byteLength
      if (size > DRAIN_BYTES) this.destroy()
    })
  }

  #abort(reason: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#controller.abort(reason)
  }
}

/**
 * One answer on its way in. Most are a few hundred bytes: held until they are whole they cost one write and no stream,
 * and one that breaks off can still be asked for again.
 */
class Reception implements Dispatcher.DispatchHandler {
  readonly #cut: Cut
  readonly #holdBytes: number
  readonly #isHead: boolean
  readonly #wantsWhole: boolean
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: unknown) => void
  #controller: Dispatcher.DispatchController | undefined
  #held: { statusCode: number; headers: Headers; chunks: Buffer[]; size: number } | undefined
  #stream: AnswerStream | undefined

  constructor(
    { cut, holdBytes, wantsWhole }: ExchangeOptions,
    isHead: boolean,
    resolve: (answer: Answer) => void,
    reject: (error: unknown) => void,
  ) {
    this.#cut = cut
    this.#holdBytes = holdBytes
    this.#isHead = isHead
    this.#wantsWhole = wantsWhole
    this.#resolve = resolve
    this.#reject = reject
    cut.onAttempt((reason) => this.#controller?.abort(reason))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    const { reason } = this.#cut
    if (reason !== undefined) controller.abort(reason)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Headers,
  ): void {
    // An interim answer (RFC 9110 §15.2): the final one follows.
    if (statusCode < 200) return
    if (this.#isShort(statusCode, headers))
      this.#held = { statusCode, headers, chunks: [], size: 0 }
    else this.#flow(controller, statusCode, headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#held === undefined) {
      this.#stream?.add(chunk)
      return
    }
    const { statusCode, headers, chunks } = this.#held
    chunks.push(chunk)
    this.#held.size += chunk.byteLength
    if (this.#held.size <= this.#holdBytes) return
    // Longer than anybody knew: what is there goes ahead.
    this.#held = undefined
    const stream = this.#flow(controller, statusCode, headers)
    for (const one of chunks) stream.add(one)
  }

  onResponseEnd(): void {
    if (this.#held === undefined) {
      this.#stream?.complete()
      return
    }
    const { chunks, statusCode, headers } = this.#held
    const [first] = chunks
    this.#resolve({
      statusCode,
      headers,
      body: chunks.length > 1 ? Buffer.concat(chunks) : first,
    })
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#stream === undefined) this.#reject(error)
    else this.#stream.fail(error)
  }

  #flow(controller: Dispatcher.DispatchController, statusCode: number, headers: Headers) {
    const stream = new AnswerStream(controller)
    this.#stream = stream
    this.#resolve({ statusCode, headers, body: stream })
    return stream
  }

  #isShort(statusCode: number, headers: Headers): boolean {
    if (this.#isHead || statusCode === 204 || statusCode === 304) return true
    const { 'content-length': length, 'content-type': type } = headers
    // Whoever sends bytes in one piece would say "octet-stream" where the service said nothing.
    if (type === undefined || isEventStream(headers)) return false
    return length === undefined ? this.#wantsWhole : Number(length) <= this.#holdBytes
  }
}

interface ExchangeOptions {
  cut: Cut
  /** Answers declared to be no longer come whole. */
  holdBytes: number
  /** Those whose length is not declared too, if they are no longer. */
  wantsWhole: boolean
}

/** Sends a request; resolves with the head of its answer and a stream, or with all of it. */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  options: ExchangeOptions,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const isHead = request.method === 'HEAD'
    dispatcher.dispatch(request, new Reception(options, isHead, resolve, reject))
  })
}

import { Readable } from 'node:stream'
import type { FastifyBaseLogger } from 'fastify'
import type { Dispatcher } from 'undici'
import { isEventStream, withoutHopByHop, type Headers } from './headers.ts'
import { carriedRequest, onClientGone } from './proxied-request.ts'
import { DEADLINE_HEADER, idempotentMethods } from './request.ts'
import { createRequestBody } from './request-body.ts'
import { discardBody, limitBody } from './response-body.ts'
import type { Tries } from './tries.ts'

export interface ProxyTransportOptions {
  name: string
  origin: URL
  deadlineMs: number
  /** Larger request bodies are refused with 413, however they are sent. */
  bodyLimitBytes: number
  /** Request bodies declared to be no larger are held, so that they can be sent again. */
  bodyBufferBytes: number
  dispatcher: Dispatcher
  tries: Tries
  log: FastifyBaseLogger
}

type Wanted<T> = Dispatcher.RequestOptions<T>
type Data<T> = Dispatcher.ResponseData<T>

/**
 * What `@fastify/http-proxy` takes as `undici`: its requests run under the same circuit, budget, bulkhead and deadline as
 * our own calls, are aborted when the client leaves, and fail with an `UpstreamError`.
 */
export function createProxyTransport(options: ProxyTransportOptions) {
  const { name, log } = options
  const proxied = createForward(options)

  function request<T = null>(
    wanted: Wanted<T>,
    answered: (error: Error | null, data: Data<T>) => void,
  ): void
  function request<T = null>(wanted: Wanted<T>): Promise<Data<T>>
  function request<T>(
    wanted: Wanted<T>,
    answered?: (error: Error | null, data: Data<T>) => void,
  ): Promise<Data<T>> | void {
    if (answered === undefined) return proxied.forward(wanted)
    // What is thrown on from here would end the process. One client is left without an answer, not all.
    const fail = (err: unknown) => {
      log.error({ context: 'Proxy', err, upstream: name }, 'an answer could not be passed on')
      carriedRequest(wanted, name).request.raw.socket.destroy()
    }
    proxied
      .forward(wanted)
      .then(
        (data) => answered(null, data),
        // undici too calls back without data then, against its type.
        (error: unknown) => void Reflect.apply(answered, undefined, [error]),
      )
      .catch(fail)
  }

  return {
    request,
    /** Ends the event streams under way as if the upstream had: their clients come back to another process. */
    endStreams: (): void => proxied.endStreams(),
    /** Called by nobody who owns the connections: they are the client's, which closes them. */
    destroy(): void {},
  }
}

function createForward(options: ProxyTransportOptions) {
  const { name, dispatcher, tries, deadlineMs } = options
  const eventStreams = new Set<Readable>()

  /** Puts an end to every answer but event streams, whose end is remembered to be made by hand. */
  function watch({ headers, body }: Data<unknown>, endsAt: number, taken: () => number) {
    if (isEventStream(headers)) {
      eventStreams.add(body)
      body.once('close', () => eventStreams.delete(body))
    } else {
      const remainingMs = endsAt - performance.now()
      limitBody(body, name, { remainingMs, idleMs: deadlineMs, taken })
    }
  }

  async function forward<T>(wanted: Wanted<T>): Promise<Data<T>> {
    const { headers: carried, request } = carriedRequest(wanted, name)
    const headers = withoutHopByHop(carried)
    const body = createRequestBody(sourceOf(wanted.body), lengthOf(headers), {
      name,
      limitBytes: options.bodyLimitBytes,
      bufferBytes: options.bodyBufferBytes,
    })
    const isSafe = idempotentMethods.has(wanted.method) || headers['idempotency-key'] !== undefined
    const endsAt = performance.now() + deadlineMs
    const answer = await tries.run<Data<T>>({
      method: wanted.method,
      // Until the head; from there on the framework destroys the body when the client leaves.
      onCallerGone: onClientGone(request),
      deadlineMs,
      prepare: () => body.prepare(),
      isRepeatable: () => isSafe && body.isRepeatable(),
      isStarved: () => body.isStarved(),
      discard: (unread) => discardBody(unread.body),
      attempt: (cut, remainingMs) =>
        dispatcher.request<T>({
          ...wanted,
          origin: options.origin.origin,
          headers: outgoing(headers, body.content(), remainingMs),
          body: body.content() ?? null,
          signal: cut,
        }),
    })
    watch(answer, endsAt, () => request.raw.socket.bytesWritten)
    return { ...answer, headers: withoutHopByHop(answer.headers) }
  }

  return {
    forward,
    endStreams(): void {
      for (const stream of eventStreams) stream.push(null)
      eventStreams.clear()
    },
  }
}

function sourceOf(body: unknown): Readable | string | Uint8Array | undefined {
  if (body instanceof Readable || body instanceof Uint8Array) return body
  return typeof body === 'string' && body !== '' ? body : undefined
}

function lengthOf(headers: Headers): number | undefined {
  const declared = headers['content-length']
  return declared === undefined ? undefined : Number(declared)
}

function outgoing(headers: Headers, body: unknown, remainingMs: number): Headers {
  // Node has answered `Expect: 100-continue` when the body was first read; a GET's body is not passed on.
  const { expect: _expect, 'content-length': length, ...rest } = headers
  return {
    ...rest,
    ...(body !== undefined && length !== undefined && { 'content-length': length }),
    [DEADLINE_HEADER]: String(remainingMs),
  }
}

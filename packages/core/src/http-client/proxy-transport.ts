import { Readable } from 'node:stream'
import type { FastifyBaseLogger } from 'fastify'
import type { Dispatcher } from 'undici'
import { AnswerStream, exchange, type Answer } from './answer.ts'
import { traced, type CallTracing } from './call-tracing.ts'
import { ProxiedRequestMissing } from './errors.ts'
import { isEventStream, withoutHopByHop, type Headers } from './headers.ts'
import { carriedRequest, onClientGone } from './proxied-request.ts'
import { DEADLINE_HEADER, idempotentMethods } from './request.ts'
import { createRequestBody } from './request-body.ts'
import { limitBody } from './response-body.ts'
import type { Tries } from './tries.ts'

export interface ProxyTransportOptions {
  name: string
  origin: URL
  deadlineMs: number
  /** Larger request bodies are refused with 413, however they are sent. */
  bodyLimitBytes: number
  /** Bodies declared to be no larger are held: requests to be sent again, answers to be sent in one piece. */
  bodyBufferBytes: number
  dispatcher: Dispatcher
  tries: Tries
  tracing: CallTracing | undefined
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
    if (answered === undefined) return Promise.reject(new ProxiedRequestMissing(name))
    // What is thrown on from here would end the process. One client is left without an answer, not all.
    const fail = (err: unknown) => {
      log.error({ context: 'Proxy', err, upstream: name }, 'an answer could not be passed on')
      carriedRequest(wanted, name).request.raw.socket.destroy()
    }
    // Not what its type says: the body is for `proxyReplyOptions` alone, and undici too fails without data.
    const call = (error: unknown, data?: Answer): void => {
      try {
        Reflect.apply(answered, undefined, [error, data])
      } catch (err) {
        fail(err)
      }
    }
    void proxied.forward(wanted).then((data) => call(null, data), call)
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
  const { name, dispatcher, tries, deadlineMs, bodyBufferBytes } = options
  const eventStreams = createEventStreams()

  /** Puts an end to every answer but event streams, whose end is remembered to be made by hand. */
  function watch(stream: AnswerStream, headers: Headers, endsAt: number, taken: () => number) {
    if (isEventStream(headers)) {
      eventStreams.add(stream)
    } else {
      const remainingMs = endsAt - performance.now()
      limitBody(stream, name, { remainingMs, idleMs: deadlineMs, taken })
    }
  }

  async function forward(wanted: Wanted<unknown>): Promise<Answer> {
    const { headers: carried, request, wantsWhole } = carriedRequest(wanted, name)
    const headers = withoutHopByHop(carried)
    const source = sourceOf(wanted.body)
    const body = createRequestBody(source, lengthOf(headers), {
      name,
      limitBytes: options.bodyLimitBytes,
      bufferBytes: bodyBufferBytes,
    })
    const { method, path } = wanted
    const isSafe = idempotentMethods.has(method) || headers['idempotency-key'] !== undefined
    const endsAt = performance.now() + deadlineMs
    const answer = await tries.run<Answer>({
      method,
      // Until the head; from there on the framework destroys the body when the client leaves.
      onCallerGone: onClientGone(request),
      deadlineMs,
      ...(source !== undefined && { prepare: () => body.prepare() }),
      isRepeatable: () => isSafe && body.isRepeatable(),
      isStarved: () => body.isStarved(),
      discard: ({ body: unread }) => unread instanceof AnswerStream && unread.discard(),
      attempt: traced(options, method, headers, (cut, remainingMs) => {
        const content = body.content()
        return exchange(
          dispatcher,
          {
            path,
            method,
            headers: outgoing(headers, content !== undefined, remainingMs),
            body: content ?? null,
          },
          { cut, holdBytes: bodyBufferBytes, wantsWhole },
        )
      }),
    })
    if (answer.body instanceof AnswerStream) {
      watch(answer.body, answer.headers, endsAt, () => request.raw.socket.bytesWritten)
    }
    const { statusCode } = answer
    return { statusCode, headers: withoutHopByHop(answer.headers), body: answer.body }
  }

  return {
    forward,
    endStreams: (): void => eventStreams.end(),
  }
}

/** Event streams under way, which nothing ends but their upstream or a closing process. */
function createEventStreams() {
  const open = new Set<AnswerStream>()
  let isOver = false
  return {
    /** One that begins after the end, because its upstream was being asked, ends at once. */
    add(stream: AnswerStream): void {
      open.add(stream)
      stream.once('close', () => open.delete(stream))
      if (isOver) stream.finish()
    },
    end(): void {
      isOver = true
      for (const stream of open) stream.finish()
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

/** undici reads them at once, so every try may change the same ones. */
function outgoing(headers: Headers, hasBody: boolean, remainingMs: number): Headers {
  // Node has answered `Expect: 100-continue` when the body was first read; a GET's body is not passed on.
  if (headers.expect !== undefined) delete headers.expect
  if (!hasBody && headers['content-length'] !== undefined) delete headers['content-length']
  headers[DEADLINE_HEADER] = String(remainingMs)
  return headers
}

import type { FastifyReply, RawServerBase, RouteGenericInterface } from 'fastify'
import { AnswerStream } from './answer.ts'
import { isUpstreamError } from './errors.ts'
import { isEventStream, type Headers } from './headers.ts'
import type { ClientRequest } from './proxied-request.ts'

type ClientReply = FastifyReply<RouteGenericInterface, RawServerBase>

/**
 * The part of `replyOptions` that must go with the transport: retries are its business, its errors come out unwrapped,
 * and the head of an event stream does not wait for the first event.
 */
export const proxyReplyOptions = {
  retryDelay: () => null,
  onError(reply: ClientReply, { error }: { error: Error }): void {
    // The rest of a body that nobody reads must not be taken for the next request.
    if (!reply.request.raw.complete) reply.header('connection', 'close')
    void reply.send(isUpstreamError(error.cause) ? error.cause : error)
  },
  onResponse(_request: ClientRequest, reply: ClientReply, answer: unknown): void {
    const { raw } = reply
    const { headers, body } = passedAnswer(answer)
    if (isEventStream(headers) && 'flushHeaders' in raw) raw.once('pipe', () => raw.flushHeaders())
    void reply.send(body)
  },
}

interface Passed {
  headers: Headers
  /** Whole when it is short. */
  body: AnswerStream | Buffer | undefined
}

/** What the transport answered with. reply-from's types call it an `IncomingMessage`. */
export function passedAnswer(answer: unknown): Passed {
  if (typeof answer !== 'object' || answer === null) return { headers: {}, body: undefined }
  const headers = 'headers' in answer && isHeaders(answer.headers) ? answer.headers : {}
  const body = 'stream' in answer ? answer.stream : undefined
  const isBody = body instanceof AnswerStream || Buffer.isBuffer(body)
  return { headers, body: isBody ? body : undefined }
}

function isHeaders(headers: unknown): headers is Headers {
  return typeof headers === 'object' && headers !== null
}

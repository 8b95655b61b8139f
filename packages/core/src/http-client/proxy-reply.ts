import type { FastifyReply, RawServerBase, RouteGenericInterface } from 'fastify'
import { AnswerStream } from './answer.ts'
import { isUpstreamError } from './errors.ts'
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
    const body = bodyOf(answer)
    const isStream = String(reply.getHeader('content-type')).startsWith('text/event-stream')
    if (isStream && 'flushHeaders' in raw) raw.once('pipe', () => raw.flushHeaders())
    void reply.send(body)
  },
}

/** reply-from's types call it an `IncomingMessage`; it is whatever the transport answered with. */
export function bodyOf(answer: unknown): AnswerStream | Buffer | undefined {
  const isAnswer = typeof answer === 'object' && answer !== null && 'stream' in answer
  if (!isAnswer) return undefined
  return answer.stream instanceof AnswerStream || Buffer.isBuffer(answer.stream)
    ? answer.stream
    : undefined
}

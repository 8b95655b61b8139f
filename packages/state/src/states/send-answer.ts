import type { FastifyReply } from 'fastify'
import type { Answer } from '../idempotency/index.ts'

/** Sends what is JSON text already; only the documentation has to know its schema. */
export function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(text)
}

export function sendAnswer(
  reply: FastifyReply,
  { status, etag, location, body }: Answer,
): FastifyReply {
  reply.code(status)
  if (etag !== undefined) reply.header('etag', etag)
  if (location !== undefined) reply.header('location', location)
  return body === undefined ? reply.send() : sendJson(reply, body)
}

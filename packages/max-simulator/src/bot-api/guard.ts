/** What every request of the bot goes through before its route: log, token, limit, fault. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AttachmentNotReady, InvalidToken, TokenInQuery } from '../platform/errors.ts'
import type { ArmedFault } from '../platform/faults.ts'
import type { Platform } from '../platform/platform.ts'

/** A hanging request is cut after this time, so that hanging ones cannot pile up. */
const MAX_HANG_MS = 10 * 60 * 1000

/** What the platform says with a status, unless the fault says something else. */
const CODES = new Map([
  [400, 'proto.payload'],
  [403, 'chat.denied'],
  [404, 'not.found'],
  [429, 'too.many.requests'],
  [503, 'service.unavailable'],
])

/** Sets the hooks on one encapsulated instance. */
export function guard(app: FastifyInstance, platform: Platform, token: string): void {
  /** Requests whose effect happens and whose reply gets lost. */
  const losing = new WeakSet<FastifyRequest>()
  /** Requests whose answer is not what the platform would say. */
  const faulty = new WeakSet<FastifyRequest>()

  app.addHook('onRequest', async (request, reply) => {
    keepInLog(request, reply, platform)
    authorise(request, token)
    platform.limits.request()
  })
  // After parsing, so that the log has the body; before validation, so that a fault hits whatever was sent.
  app.addHook('preValidation', async (request, reply) => {
    const { query, body } = request
    const fields = typeof query === 'object' && query !== null ? { ...query } : {}
    platform.conformance.request(operationOf(request), { query: fields, body })
    const fault = platform.faults.take(request.method, request.routeOptions.url ?? '')
    if (fault !== undefined) faulty.add(request)
    if (fault?.effect === 'lose-reply') losing.add(request)
    else if (fault !== undefined) await misbehave(fault, reply)
  })
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload === 'string' && !faulty.has(request)) {
      platform.conformance.answer(operationOf(request), reply.statusCode, JSON.parse(payload))
    }
    if (losing.has(request)) request.raw.socket.destroy()
    return payload
  })
}

const operationOf = ({ method, routeOptions }: FastifyRequest): string =>
  `${method} ${routeOptions.url ?? ''}`

function authorise(request: FastifyRequest, token: string): void {
  const { query } = request
  if (typeof query === 'object' && query !== null && 'access_token' in query) {
    throw new TokenInQuery()
  }
  if (request.headers.authorization !== token) throw new InvalidToken()
}

function keepInLog(
  request: FastifyRequest,
  reply: FastifyReply,
  { requests, clock }: Platform,
): void {
  const at = clock.now()
  const [path = ''] = request.url.split('?', 1)
  const { query } = request
  // `close` comes after an answer as well as after a connection that was cut or left.
  reply.raw.once('close', () => {
    requests.add({
      at,
      method: request.method,
      path,
      query: typeof query === 'object' && query !== null ? { ...query } : {},
      body: request.body,
      status: reply.raw.headersSent ? reply.raw.statusCode : undefined,
      durationMs: clock.now() - at,
    })
  })
}

async function misbehave(fault: ArmedFault, reply: FastifyReply): Promise<void> {
  const { effect, status = 500, message = 'Simulated failure' } = fault
  switch (effect) {
    case 'status':
      if (fault.retryAfterSeconds !== undefined) {
        reply.header('retry-after', fault.retryAfterSeconds)
      }
      await reply
        .code(status)
        .send({ code: fault.code ?? CODES.get(status) ?? 'internal.error', message })
      return
    case 'html':
      await reply
        .code(fault.status ?? 502)
        .type('text/html; charset=utf-8')
        .send('<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>')
      return
    case 'unsuccessful':
      await reply.send({ success: false, message })
      return
    case 'attachment-not-ready':
      throw new AttachmentNotReady('file')
    case 'delay':
      await sleep(fault.delayMs ?? 1000)
      return
    case 'hang':
      hang(reply)
      return
    case 'lose-reply':
      // Happens after the route, in onSend.
      return
  }
}

function hang(reply: FastifyReply): void {
  reply.hijack()
  const timer = setTimeout(() => reply.raw.destroy(), MAX_HANG_MS)
  reply.raw.once('close', () => clearTimeout(timer))
}

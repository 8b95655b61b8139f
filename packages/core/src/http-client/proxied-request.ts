import type { FastifyRequest, RawServerBase, RequestGenericInterface } from 'fastify'
import { ProxiedRequestMissing } from './errors.ts'
import type { Headers } from './headers.ts'

/** As `@fastify/reply-from` types it: whatever server it came in by. */
export type ClientRequest = FastifyRequest<RequestGenericInterface, RawServerBase>

/** Carries the client's request through `@fastify/reply-from`, which hands the transport nothing but headers. */
const proxiedRequest = Symbol('potok.proxied-request')

/** Says that the answer is better had whole, if it is short, than as it comes. */
const wholeAnswer = Symbol('potok.whole-answer')

/** To be called last in `rewriteRequestHeaders`: ties the headers to the request they belong to. */
export function carryRequest(
  request: ClientRequest,
  headers: Headers,
  { wantsWhole = false }: { wantsWhole?: boolean } = {},
): Headers {
  return Object.assign(headers, { [proxiedRequest]: request, [wholeAnswer]: wantsWhole })
}

/** The request that the headers belong to, and the headers. Without it the upstream could not be aborted. */
export function carriedRequest(carrier: { headers?: unknown }, upstream: string) {
  const { headers } = carrier
  if (!isCarrier(headers)) throw new ProxiedRequestMissing(upstream)
  return { headers, request: headers[proxiedRequest], wantsWhole: headers[wholeAnswer] }
}

interface Carrier extends Headers {
  [proxiedRequest]: ClientRequest
  [wholeAnswer]: boolean
}

function isCarrier(headers: unknown): headers is Carrier {
  return typeof headers === 'object' && headers !== null && proxiedRequest in headers
}

/**
 * Calls back when the client's connection closes. Not `request.signal`: that one is also aborted when the body has been
 * read.
 */
export function onClientGone(request: ClientRequest) {
  const { socket } = request.raw
  return (leave: () => void) => {
    if (socket.destroyed) leave()
    else socket.once('close', leave)
    return () => void socket.off('close', leave)
  }
}

import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest, RawServerBase, RequestGenericInterface } from 'fastify'
import { forwardedContext } from '@potok/core/correlation'

/**
 * What a client may say to a service. A list of what passes, because nobody can list what must not: forged identities
 * (`x-actor`, `x-api-key`, `x_api_key`, `x-internal-user`), forged origins (`forwarded`, `x-forwarded-for`, `x-real-ip`),
 * credentials (`authorization`, `cookie`, `proxy-authorization`) and what belongs to this hop alone.
 */
const PASSED = [
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-unmodified-since',
  'last-event-id',
  'prefer',
  'range',
  'user-agent',
] as const

/** Names that a client may not have removed by naming them in `Connection`; anything else it may. */
function connectionTokens(connection: string | undefined): Set<string> | undefined {
  // As nearly all say it.
  if (connection === undefined || connection === 'keep-alive') return undefined
  return new Set(connection.split(',').map((token) => token.trim().toLowerCase()))
}

/** As `@fastify/http-proxy` types it: whatever server it came in by. */
type ProxiedRequest = FastifyRequest<RequestGenericInterface, RawServerBase>

/** The headers of the request to the service: what may pass, and what only we may say. */
export function requestHeaders(request: ProxiedRequest, apiKey: string): IncomingHttpHeaders {
  const { headers: given, principal, decision } = request
  const dropped = connectionTokens(given.connection)
  const headers: Record<string, string | string[]> = {}
  for (const name of PASSED) {
    const value = given[name]
    if (value === undefined) continue
    // Without its length a body would be cut or never end, whatever the client says about its connection.
    if (dropped?.has(name) !== true || name.startsWith('content-')) headers[name] = value
  }
  Object.assign(headers, forwardedContext(request))
  headers['x-api-key'] = apiKey
  headers['x-actor'] = `user:${principal.id}`
  if (decision.scopeOwn) headers['x-actor-scope'] = 'own'
  headers['x-forwarded-for'] = request.ip
  headers['x-forwarded-host'] = request.host
  headers['x-forwarded-proto'] = request.protocol
  // RFC 9110 §7.6.3: a gateway must say that it was there.
  headers['via'] = `${request.raw.httpVersion} potok-gateway`
  return headers
}

/** Said by a service for a door that is not its own: ours is what the client must see. */
const OURS = new Set([
  'cross-origin-embedder-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'content-security-policy',
  'date',
  'origin-agent-cluster',
  'referrer-policy',
  'server',
  'set-cookie',
  'strict-transport-security',
  'via',
  'www-authenticate',
  'x-api-key',
  'x-content-type-options',
  'x-correlation-id',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-frame-options',
  'x-permitted-cross-domain-policies',
  'x-powered-by',
  'x-request-timeout-ms',
  'x-xss-protection',
])
const OUR_FAMILIES = /^(?:access-control-|x-?ratelimit|ratelimit|x-actor)/u

/** The headers of the answer to the client. Those of one hop were taken out by the transport. */
export function responseHeaders(given: IncomingHttpHeaders): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {}
  for (const name in given) {
    if (!OURS.has(name) && !OUR_FAMILIES.test(name)) headers[name] = given[name]
  }
  // This replaces what CORS said, so it must say it too.
  headers.vary = varyWithOrigin(headers.vary)
  return headers
}

function varyWithOrigin(vary: string | undefined): string {
  if (vary === undefined) return 'Origin'
  const fields = vary.split(',').map((field) => field.trim())
  const others = fields.filter((field) => field !== '' && field.toLowerCase() !== 'origin')
  return ['Origin', ...others].join(', ')
}

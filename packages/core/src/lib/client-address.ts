import type { IncomingMessage } from 'node:http'
import proxyAddr from '@fastify/proxy-addr'

/**
 * Where a request comes from that Fastify does not see, such as the upgrade to a WebSocket: what `request.ip` would be.
 * @param trusted as `trustedProxies` gives them
 */
export function clientAddress(
  trusted: readonly string[] | false,
): (request: IncomingMessage) => string {
  const trust = trusted === false ? () => false : proxyAddr.compile([...trusted])
  return (request) => proxyAddr(request, trust)
}

import type { IncomingHttpHeaders } from 'node:http'

/** A header set on its way through; names are lower-case, as Node and undici give them. */
export type Headers = IncomingHttpHeaders

/** RFC 9110 §7.6.1 and those of RFC 2616 §13.5.1 that peers still send: they end at this hop. */
const hopByHop = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** The headers without those that concern this hop alone, the ones that `Connection` names included. */
export function withoutHopByHop(headers: Headers): Headers {
  const { connection } = headers
  const named =
    connection === undefined || connection === 'keep-alive' ? undefined : tokensOf(connection)
  const kept: Headers = {}
  for (const name in headers) {
    if (hopByHop.has(name) || named?.has(name) === true) continue
    const value = headers[name]
    if (value !== undefined) kept[name] = value
  }
  return kept
}

function tokensOf(connection: string | string[]): Set<string> {
  const list = Array.isArray(connection) ? connection.join(',') : connection
  return new Set(list.split(',').map((token) => token.trim().toLowerCase()))
}

/** `text/event-stream`: an answer without an end, exempt from deadlines. */
export function isEventStream(headers: Headers): boolean {
  return headers['content-type']?.toLowerCase().startsWith('text/event-stream') ?? false
}

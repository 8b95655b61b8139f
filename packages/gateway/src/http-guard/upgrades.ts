import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'

/** Said between this hop and the last about an upgrade that is not made. */
const OF_THE_UPGRADE = new Set(['upgrade', 'http2-settings'])

/**
 * Once anybody listens for upgrades, Node hands them every request that offers one: `curl --http2` would wait for an
 * answer that nobody gives. RFC 9110 §7.8 lets a server ignore the offer, so all but those that a socket server takes
 * are put back on the connection without it, and answered like any other request.
 * @param isTaken whether a socket server takes the request
 */
export function ignoreUpgrades(
  server: Server,
  isTaken: (request: IncomingMessage) => boolean,
): void {
  const pending = new WeakMap<Duplex, number>()
  const count = (socket: Duplex, change: 1 | -1) =>
    pending.set(socket, (pending.get(socket) ?? 0) + change)
  server.on('request', ({ socket }, response) => {
    count(socket, 1)
    response.once('close', () => count(socket, -1))
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, rest: Buffer) => {
    if (isTaken(request)) return
    // Behind requests that are not answered yet its answer could overtake theirs.
    if ((pending.get(socket) ?? 0) > 0) {
      socket.destroy()
      return
    }
    socket.unshift(Buffer.concat([Buffer.from(headOf(request), 'latin1'), rest]))
    server.emit('connection', socket)
  })
}

/** The request as it came, without the offer. Its parts have passed the parser: none holds a line break. */
function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2)
    const kept = name.toLowerCase() === 'connection' ? withoutOffer(value) : value
    if (!OF_THE_UPGRADE.has(name.toLowerCase())) lines.push(`${name}: ${kept}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** What else `Connection` says, such as `close`. */
function withoutOffer(connection: string): string {
  const tokens = connection.split(',').map((token) => token.trim())
  return tokens.filter((token) => !OF_THE_UPGRADE.has(token.toLowerCase())).join(', ')
}

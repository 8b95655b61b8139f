import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** A request that was sent just before is here by then. */
const GRACE_MS = 250

/**
 * Closes connections on which nothing was asked when the server closes. Clients open them ahead of need; Node counts
 * them as busy, so that a shutdown would wait until their first request times out. Not at once: a balancer that opened
 * one in the last moment has a request on its way, and must not repeat it when it is a POST.
 */
export function closeUnusedConnections(app: FastifyInstance): void {
  const unused = new Set<Socket>()
  let closing = false
  const closeSoon = (socket: Socket): void => {
    const timer = setTimeout(() => {
      if (unused.has(socket)) socket.destroy()
    }, GRACE_MS)
    socket.once('close', () => clearTimeout(timer))
  }
  app.server.on('connection', (socket) => {
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
    if (closing) closeSoon(socket)
  })
  app.server.on('request', ({ socket }) => unused.delete(socket))
  app.addHook('onReady', async () => {
    // A listener where nobody else takes upgrades would keep Node from answering them as plain requests.
    if (app.server.listenerCount('upgrade') === 0) return
    app.server.on('upgrade', ({ socket }) => unused.delete(socket))
  })
  app.addHook('preClose', async () => {
    closing = true
    for (const socket of unused) closeSoon(socket)
  })
}

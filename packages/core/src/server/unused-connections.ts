import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * Closes connections on which nothing was asked yet when the server closes. Clients open them ahead of need; Node
 * counts them as busy, so that a shutdown would wait until their first request times out.
 */
export function closeUnusedConnections(app: FastifyInstance): void {
  const unused = new Set<Socket>()
  let closing = false
  app.server.on('connection', (socket) => {
    if (closing) {
      socket.destroy()
      return
    }
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
  })
  app.server.on('request', ({ socket }) => unused.delete(socket))
  app.addHook('onReady', async () => {
    // A listener where nobody else takes upgrades would keep Node from answering them as plain requests.
    if (app.server.listenerCount('upgrade') === 0) return
    app.server.on('upgrade', ({ socket }) => unused.delete(socket))
  })
  app.addHook('preClose', async () => {
    closing = true
    for (const socket of unused) socket.destroy()
  })
}

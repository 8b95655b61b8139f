/** A wire that can be made slow: forwards TCP connections and holds back the answers. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** Forwards to a port of the loopback; ends with the test. `delayMs` may be changed at any time. */
export async function slowLink(port: number) {
  const link = { port: 0, delayMs: 0 }
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) keep(socket)
    near.on('data', (chunk) => void far.write(chunk))
    far.on('data', (chunk) => {
      // In order whatever the delay was before: timers of the same length fire in the order of their making.
      setTimeout(() => near.write(chunk), link.delayMs)
    })
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  link.port = typeof address === 'object' && address !== null ? address.port : 0
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return link
}

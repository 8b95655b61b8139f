/**
 * Baseline of the gateway's sockets: Socket.IO as it comes, without authentication, rights, limits or a log. What is
 * posted to /emit goes to everybody in the room.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { Server } from 'socket.io'

const server = createServer((request, response) => {
  if (request.method !== 'POST') {
    response.end('{}')
    return
  }
  void emit(request, response)
})
async function emit(request: IncomingMessage, response: ServerResponse): Promise<void> {
  io.to('tasks').emit('task:updated', JSON.parse(await text(request)))
  response.end('{}')
}
const io = new Server(server, { path: '/api/v1/socket.io', transports: ['websocket'] })
io.on('connection', (socket) => {
  socket.on('subscribe', ({ channel }: { channel: string }, done: (answer: unknown) => void) => {
    void socket.join(channel)
    done({ ok: true })
  })
})
server.listen(Number(process.env['PORT']), '127.0.0.1')

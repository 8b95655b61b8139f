import type { Socket } from 'node:net'
import { toProblem } from '../problem/index.ts'

interface ConnectionError extends Error {
  code?: string
}

const CONDITIONS: Record<string, { statusCode: number; code: string; message: string }> = {
  HPE_HEADER_OVERFLOW: {
    statusCode: 431,
    code: 'REQUEST_HEADERS_TOO_LARGE',
    message: 'The headers are too large',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    statusCode: 408,
    code: 'REQUEST_TIMED_OUT',
    message: 'The request took too long to arrive',
  },
}
const MALFORMED = {
  statusCode: 400,
  code: 'REQUEST_MALFORMED',
  message: 'This is not well-formed HTTP',
}

/** What the HTTP parser refused never becomes a request: answer on the bare socket and hang up. */
export function refuseConnection(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error)
    return
  }
  const { statusCode, code, message } = CONDITIONS[error.code ?? ''] ?? MALFORMED
  const { title, ...problem } = toProblem(
    { statusCode, code, message },
    { correlationId: 'none', path: '/' },
  )
  const body = JSON.stringify({ title, ...problem })
  // Ending alone would only close our half: a client that never ends its own would keep the connection.
  socket.write(
    `HTTP/1.1 ${statusCode} ${title}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
  socket.destroySoon()
}

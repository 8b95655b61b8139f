import type { FastifyBaseLogger } from 'fastify'
import { farewell, SOCKET_ERRORS, type SocketErrorCode } from './errors.ts'
import type { Visit } from './visit.ts'

export interface ClosingDeps {
  /** How long a connection may take to go, milliseconds. */
  withinMs: number
  closed: (code: SocketErrorCode) => void
  log: FastifyBaseLogger
}

export type Close = (visit: Visit, code: SocketErrorCode) => void

/** How the server ends a socket: it says why, and whether to come back. */
export function createClose({ withinMs, closed, log }: ClosingDeps): Close {
  return (visit, code) => {
    if (visit.isClosing) return
    visit.isClosing = true
    closed(code)
    const { socket, connection } = visit
    log.info({ socketId: socket.id, userId: visit.principal?.id, code }, 'socket closed')
    if (code === 'WS_TOO_SLOW') {
      // It would not read this either; the stock client connects again once it does, and resumes.
      connection.cut()
      return
    }
    socket.emit('error', farewell(code))
    // After a cut the stock client comes back by itself; after a `disconnect` it waits for somebody to call `connect`.
    if (SOCKET_ERRORS[code].reconnect === 'now') connection.close()
    else socket.disconnect(true)
    // Whoever does not read does not go either.
    setTimeout(() => connection.cut(), withinMs).unref()
  }
}

import { SocketRefusal, type SocketErrorCode } from './errors.ts'
import type { PotokServer, PotokSocket, SocketPrincipal } from './server.ts'

export interface AuthenticationDeps {
  /** Throws when the token is not good. */
  verify: (token: string) => SocketPrincipal
  /** How long a socket may stay without a token, milliseconds. */
  authenticateWithinMs: number
  now?: () => number
}

/** The longest a Node timer can wait; a token may live longer. */
const LONGEST_TIMER_MS = 2_147_483_647

/** Says why, then closes for good: the client must act before it may come back. */
export function closeWith(socket: PotokSocket, code: SocketErrorCode): void {
  socket.emit('error', new SocketRefusal(code).toJSON())
  socket.disconnect(true)
}

/** Tokens of sockets: in the handshake or in band, renewed in band, and enforced at their expiry. */
export function createAuthentication(deps: AuthenticationDeps) {
  const { verify, authenticateWithinMs, now = Date.now } = deps

  function closeAt(socket: PotokSocket, at: number, code: SocketErrorCode): void {
    clearTimeout(socket.data.deadline)
    const wait = Math.min(Math.max(0, at - now()), LONGEST_TIMER_MS)
    socket.data.deadline = setTimeout(() => {
      if (now() >= at) closeWith(socket, code)
      else closeAt(socket, at, code)
    }, wait)
    socket.data.deadline.unref()
  }

  function identify(token: string): SocketPrincipal {
    try {
      return verify(token)
    } catch (error) {
      throw new SocketRefusal('WS_TOKEN_INVALID', undefined, error)
    }
  }

  return {
    /** Takes a token in band. A socket does not change its person. @returns the new expiry */
    authenticate(socket: PotokSocket, token: string): { expiresAt: string } {
      const principal = identify(token)
      const before = socket.data.principal
      if (before !== undefined && before.id !== principal.id) {
        throw new SocketRefusal('WS_TOKEN_INVALID', 'This socket belongs to somebody else')
      }
      socket.data.principal = principal
      closeAt(socket, principal.expiresAt, 'WS_TOKEN_EXPIRED')
      return { expiresAt: new Date(principal.expiresAt).toISOString() }
    },
    /** Socket.IO middleware: a token in the handshake must be good; none at all may follow in band. */
    handshake(socket: PotokSocket): void {
      const token: unknown = socket.handshake.auth['token']
      if (typeof token !== 'string' || token === '') return
      socket.data.principal = identify(token)
    },
    /** Arms the deadline of a new connection. */
    watch(socket: PotokSocket): void {
      const { principal } = socket.data
      if (principal) closeAt(socket, principal.expiresAt, 'WS_TOKEN_EXPIRED')
      else closeAt(socket, now() + authenticateWithinMs, 'WS_AUTHENTICATION_REQUIRED')
      socket.on('disconnect', () => clearTimeout(socket.data.deadline))
    },
    /** Closes every socket of a session on this replica. */
    endSession(io: PotokServer, sid: string): void {
      for (const socket of io.sockets.sockets.values()) {
        if (socket.data.principal?.sid === sid) closeWith(socket, 'WS_SESSION_ENDED')
      }
    },
  }
}

/** The socket's person, or a refusal. */
export function principalOf(socket: PotokSocket): SocketPrincipal {
  if (socket.data.principal === undefined) throw new SocketRefusal('WS_AUTHENTICATION_REQUIRED')
  return socket.data.principal
}

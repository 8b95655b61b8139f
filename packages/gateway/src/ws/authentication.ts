import type { Close } from './closing.ts'
import { SocketRefusal, type SocketErrorCode } from './errors.ts'
import type { PotokSocket, SocketPrincipal } from './server.ts'
import type { Visit } from './visit.ts'

export interface AuthenticationDeps {
  /** Throws when the token is not good. */
  verify: (token: string) => SocketPrincipal
  /** How long a socket may stay without a token, milliseconds. */
  withinMs: number
  close: Close
  now?: () => number
}

/** The longest a Node timer can wait; a token may live longer. */
const LONGEST_TIMER_MS = 2_147_483_647

const CODES: Partial<Record<string, SocketErrorCode>> = {
  AUTH_TOKEN_EXPIRED: 'WS_TOKEN_EXPIRED',
  AUTH_SESSION_ENDED: 'WS_SESSION_ENDED',
  // The token may be as good as any; nobody can tell now.
  AUTH_REVOCATIONS_STALE: 'WS_UNAVAILABLE',
}

function refusalOf(error: unknown): SocketRefusal {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return new SocketRefusal(CODES[code] ?? 'WS_TOKEN_INVALID', undefined, error)
}

/** Tokens of sockets: in the handshake or in band, renewed in band, and enforced at their expiry. */
export function createAuthentication({
  verify,
  withinMs,
  close,
  now = Date.now,
}: AuthenticationDeps) {
  function closeAt(visit: Visit, at: number, code: SocketErrorCode): void {
    clearTimeout(visit.deadline)
    const wait = Math.min(Math.max(0, at - now()), LONGEST_TIMER_MS)
    visit.deadline = setTimeout(() => {
      if (now() >= at) close(visit, code)
      else closeAt(visit, at, code)
    }, wait)
    visit.deadline.unref()
  }

  function identify(token: string): SocketPrincipal {
    try {
      return verify(token)
    } catch (error) {
      throw refusalOf(error)
    }
  }

  return {
    /** Whom the token in the handshake stands for: it must be good; none at all may follow in band. */
    handshake(socket: PotokSocket): SocketPrincipal | undefined {
      const token: unknown = socket.handshake.auth['token']
      return typeof token === 'string' && token !== '' ? identify(token) : undefined
    },
    /** Whom a token in band stands for. A socket does not change its person. */
    identify(visit: Visit, token: string): SocketPrincipal {
      const principal = identify(token)
      if (visit.principal !== undefined && visit.principal.id !== principal.id) {
        throw new SocketRefusal('WS_TOKEN_INVALID', 'This socket belongs to somebody else')
      }
      return principal
    },
    /** Arms the deadline: that of the token, or that for showing one. */
    watch(visit: Visit): void {
      const { principal } = visit
      if (principal) closeAt(visit, principal.expiresAt, 'WS_TOKEN_EXPIRED')
      else closeAt(visit, now() + withinMs, 'WS_AUTHENTICATION_REQUIRED')
    },
  }
}

export type Authentication = ReturnType<typeof createAuthentication>

import type { Reconnect, SocketError } from '@potok/contracts/socket-events'

interface Meaning {
  text: string
  /** What a client may do that is closed for it. */
  reconnect: Reconnect
  /** Whether it is the client's own fault: those are counted. */
  fault: boolean
}

const own = (text: string, reconnect: Reconnect = 'later'): Meaning => ({
  text,
  reconnect,
  fault: true,
})
const ours = (text: string, reconnect: Reconnect = 'now'): Meaning => ({
  text,
  reconnect,
  fault: false,
})

/** What can be wrong with what a socket sent, and why it is closed. `docs/socket.md` lists them. */
export const SOCKET_ERRORS = {
  WS_AUTHENTICATION_REQUIRED: own('Send authenticate {token} first', 'with_token'),
  WS_TOKEN_INVALID: own('The token is not valid; log in again', 'with_token'),
  WS_TOKEN_EXPIRED: own('The token expired; connect again with a new one', 'with_token'),
  WS_SESSION_ENDED: own('The session was ended; log in again', 'with_token'),
  WS_EVENT_UNKNOWN: own('There is no such event'),
  WS_PAYLOAD_INVALID: own('The payload does not fit the event'),
  WS_PAYLOAD_TOO_LARGE: own('The packet is larger than a packet may be'),
  WS_CHANNEL_FORBIDDEN: own('Your roles do not allow this channel'),
  WS_NOTIFICATION_UNKNOWN: own('You have no such notification'),
  WS_TOO_MANY_CHANNELS: own('A socket may follow only so many channels'),
  WS_TOO_MANY_EVENTS: own('Too many events a second; slow down'),
  WS_TOO_MANY_CONNECTIONS: own('Too many connections at once'),
  WS_TOO_SLOW: own('You do not read what you are sent', 'now'),
  WS_STATE_UNAVAILABLE: ours('The event log cannot be reached right now; try again shortly'),
  WS_UNAVAILABLE: ours('This cannot be done right now; try again shortly', 'later'),
  WS_LOG_RESET: ours('The event log cannot be continued; connect again and load anew'),
  WS_SERVER_CLOSING: ours('This server goes away; another one is there'),
  WS_INTERNAL_ERROR: ours('Something went wrong here'),
} as const satisfies Record<string, Meaning>

export type SocketErrorCode = keyof typeof SOCKET_ERRORS

/** What a client is told before it is closed. */
export function farewell(code: SocketErrorCode): SocketError {
  const { text, reconnect } = SOCKET_ERRORS[code]
  return { code, message: text, reconnect }
}

/** Thrown by handlers; becomes the acknowledgement, or an `error` event when none was asked for. */
export class SocketRefusal extends Error {
  readonly code: SocketErrorCode
  /** What `connect_error` carries when a handshake is refused. */
  readonly data: SocketError

  constructor(code: SocketErrorCode, detail: string = SOCKET_ERRORS[code].text, cause?: unknown) {
    super(detail, { cause })
    this.name = 'SocketRefusal'
    this.code = code
    this.data = { ...farewell(code), message: detail }
  }

  /** Without the hint when to come back: nothing is closed. */
  toJSON(): SocketError {
    return { code: this.code, message: this.message }
  }
}

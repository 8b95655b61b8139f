import type { SocketError } from '@potok/contracts/socket-events'

/** What can be wrong with what a socket sent, and why it is closed. `docs/socket.md` lists them. */
export const SOCKET_ERRORS = {
  WS_AUTHENTICATION_REQUIRED: 'Send authenticate {token} first',
  WS_TOKEN_INVALID: 'The token is not valid; log in again',
  WS_TOKEN_EXPIRED: 'The token expired; connect again with a new one',
  WS_SESSION_ENDED: 'The session was ended; log in again',
  WS_PAYLOAD_INVALID: 'The payload does not fit the event',
  WS_CHANNEL_FORBIDDEN: 'Your roles do not allow this channel',
  WS_TOO_MANY_CHANNELS: 'A socket may follow only so many channels',
  WS_TOO_MANY_EVENTS: 'Too many events a second; slow down',
  WS_NOT_SUBSCRIBED: 'Subscribe to the room before you write to it',
  WS_STATE_UNAVAILABLE: 'The event log cannot be reached right now; try again shortly',
  WS_INTERNAL_ERROR: 'Something went wrong here',
} as const

export type SocketErrorCode = keyof typeof SOCKET_ERRORS

/** Thrown by handlers; becomes the acknowledgement, or an `error` event when none was asked for. */
export class SocketRefusal extends Error {
  readonly code: SocketErrorCode

  constructor(code: SocketErrorCode, detail: string = SOCKET_ERRORS[code], cause?: unknown) {
    super(detail, { cause })
    this.name = 'SocketRefusal'
    this.code = code
  }

  toJSON(): SocketError {
    return { code: this.code, message: this.message }
  }
}

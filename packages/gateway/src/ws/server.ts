import type { Server, Socket } from 'socket.io'
import type { Role } from '@potok/contracts/user'
import type { ClientEvents, ServerEvents } from '@potok/contracts/socket-events'

/** Who a socket speaks for, once it said so. */
export interface SocketPrincipal {
  id: string
  roles: readonly Role[]
  /** Session; ending it closes the socket. */
  sid: string
  /** Epoch milliseconds. */
  expiresAt: number
}

export interface SocketData {
  principal?: SocketPrincipal
  /** Closes the socket when its token expires, or when it never authenticates. */
  deadline?: NodeJS.Timeout
}

/** Nothing goes from server to server through Socket.IO. */
type NoEvents = Record<string, never>
export type PotokServer = Server<ClientEvents, ServerEvents, NoEvents, SocketData>
export type PotokSocket = Socket<ClientEvents, ServerEvents, NoEvents, SocketData>

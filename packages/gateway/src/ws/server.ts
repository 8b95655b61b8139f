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
  /** Of the token in the handshake. */
  principal?: SocketPrincipal
}

/** From replica to replica. What they say is only faster than what the stores say, never more. */
export interface ReplicaEvents {
  /** A session was ended. */
  sessionEnded: () => void
  /** There is a new notification. */
  notified: () => void
}

export type PotokServer = Server<ClientEvents, ServerEvents, ReplicaEvents, SocketData>
export type PotokSocket = Socket<ClientEvents, ServerEvents, ReplicaEvents, SocketData>
/** A connection of Engine.IO, which carries the sockets of one client. */
export type EngineConnection = PotokSocket['conn']

import type { IncomingMessage } from 'node:http'
import { isAllowedOrigin } from '@potok/core/security'
import { addressKey } from '@potok/core/rate-limit'
import { Connection } from './connection.ts'
import type { SocketLimits } from './options.ts'
import type { EngineConnection } from './server.ts'

export interface ConnectionsDeps {
  limits: SocketLimits
  /** Origins that browsers may connect from. */
  origins: readonly string[]
  /** The client's address of a request, as REST sees it. */
  addressOf: (request: IncomingMessage) => string
  /** A connection was refused without a word, or ended because it never said one. */
  refused: (reason: 'origin' | 'closing' | 'address' | 'server' | 'mute') => void
}

/** Who may connect at all, and the connections that there are. */
export class Connections {
  readonly #deps: ConnectionsDeps
  readonly #all = new Map<EngineConnection, Connection>()
  readonly #byAddress = new Map<string, number>()
  #closing = false

  constructor(deps: ConnectionsDeps) {
    this.#deps = deps
  }

  /** Before a connection is accepted. */
  mayConnect(request: IncomingMessage): boolean {
    const reason = this.#complaintAbout(request)
    if (reason !== undefined) this.#deps.refused(reason)
    return reason === undefined
  }

  add(conn: EngineConnection): void {
    const { limits, refused } = this.#deps
    const address = this.#keyOf(conn.request)
    const count = (this.#byAddress.get(address) ?? 0) + 1
    this.#byAddress.set(address, count)
    const surplus = count > limits.connectionsPerAddress
    this.#all.set(conn, new Connection(conn, limits, surplus, () => refused('mute')))
    conn.once('close', () => {
      this.#all.delete(conn)
      const left = (this.#byAddress.get(address) ?? 1) - 1
      if (left === 0) this.#byAddress.delete(address)
      else this.#byAddress.set(address, left)
    })
  }

  of(conn: EngineConnection): Connection {
    const connection = this.#all.get(conn)
    if (connection === undefined) throw new Error('A socket without a connection')
    return connection
  }

  /** From now on nobody is let in. @returns those that are open */
  close(): Connection[] {
    this.#closing = true
    return [...this.#all.values()]
  }

  #keyOf(request: IncomingMessage): string {
    return addressKey({ ip: this.#deps.addressOf(request) })
  }

  #complaintAbout(request: IncomingMessage) {
    const { limits, origins } = this.#deps
    if (!isAllowedOrigin(origins, request.headers.origin)) return 'origin'
    if (this.#closing) return 'closing'
    if (this.#all.size >= limits.connections) return 'server'
    const ofAddress = this.#byAddress.get(this.#keyOf(request)) ?? 0
    return ofAddress >= 2 * limits.connectionsPerAddress ? 'address' : undefined
  }
}

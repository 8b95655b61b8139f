import { once } from 'node:events'
import type { Socket as NetSocket } from 'node:net'
import type { SocketErrorCode } from './errors.ts'
import type { SocketLimits } from './options.ts'
import { Outflow } from './outflow.ts'
import { createBucket } from './rate.ts'
import type { EngineConnection } from './server.ts'

const BURST_SECONDS = 10

/** One connection of a client, authenticated or not: what it may send, and what waits for it. */
export class Connection {
  readonly outflow: Outflow
  /** Beyond what its address may have: it is answered with a code and closed. */
  readonly surplus: boolean
  readonly #conn: EngineConnection
  readonly #raw: NetSocket
  #excess: (code: SocketErrorCode) => void

  constructor(conn: EngineConnection, limits: SocketLimits, surplus: boolean) {
    this.surplus = surplus
    this.#conn = conn
    this.#raw = conn.request.socket
    this.#excess = () => this.cut()
    this.outflow = new Outflow(conn, limits.queueBytes, () => this.#excess('WS_TOO_SLOW'))
    const packets = createBucket(limits.packetsPerSecond, limits.packetsPerSecond * BURST_SECONDS)
    conn.on('packet', ({ type }: { type: string }) => {
      if (type === 'message' && !packets.take()) this.#excess('WS_TOO_MANY_EVENTS')
    })
  }

  /** Who closes it when the client takes too much; until there is somebody, it is cut. */
  onExcess(close: (code: SocketErrorCode) => void): void {
    this.#excess = close
  }

  /** Ends it when what was sent has gone. */
  close(): void {
    this.#conn.close()
  }

  /** Resolves when it is closed; it is cut when that takes too long. */
  async gone(withinMs: number): Promise<void> {
    if (this.#raw.destroyed) return
    const closed = once(this.#raw, 'close')
    const timer = setTimeout(() => this.cut(), withinMs)
    await closed
    clearTimeout(timer)
  }

  /** Ends it now: what waits for it is dropped. */
  cut(): void {
    this.#raw.destroy()
    this.#conn.close(true)
  }
}

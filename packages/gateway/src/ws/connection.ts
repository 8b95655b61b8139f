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
  #spoke = false
  #excess: (code: SocketErrorCode) => void

  /** @param mute called when it was ended because no handshake came in time */
  constructor(conn: EngineConnection, limits: SocketLimits, surplus: boolean, mute: () => void) {
    this.surplus = surplus
    this.#conn = conn
    this.#raw = conn.request.socket
    this.#excess = () => this.cut()
    const queue = { most: limits.queueBytes, graceMs: limits.queueGraceMs }
    this.outflow = new Outflow(conn, queue, () => this.#excess('WS_TOO_SLOW'))
    const packets = createBucket(limits.packetsPerSecond, limits.packetsPerSecond * BURST_SECONDS)
    conn.once('close', (reason: string) => {
      if (!this.#spoke && reason === 'forced close') mute()
      // ws would wait half a minute for a client that does not say goodbye.
      const timer = setTimeout(() => this.#raw.destroy(), limits.closeWithinMs).unref()
      this.#raw.once('close', () => clearTimeout(timer))
    })
    conn.on('packet', ({ type }: { type: string }) => {
      if (type === 'message' && !packets.take()) this.#excess('WS_TOO_MANY_EVENTS')
    })
  }

  /** A handshake came. */
  spoke(): void {
    this.#spoke = true
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

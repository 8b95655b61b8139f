import type { EngineConnection } from './server.ts'

function sizeOf(packet: unknown): number {
  if (typeof packet !== 'object' || packet === null || !('data' in packet)) return 0
  const { data } = packet
  if (typeof data === 'string') return Buffer.byteLength(data)
  return Buffer.isBuffer(data) ? data.byteLength : 0
}

export interface OutflowLimits {
  /** Bytes that may wait for as long as it takes. */
  most: number
  /** How long more than that may wait: a burst is no sign of a client that does not read. */
  graceMs: number
}

/** So many times the limit is too much at any moment. */
const BURST = 4

/** The bytes that wait for one connection. Engine.IO keeps them without a limit and does not say how many they are. */
export class Outflow {
  readonly #conn: EngineConnection
  readonly #limits: OutflowLimits
  readonly #overflow: () => void
  /** In Engine.IO's buffer. */
  #queued = 0
  /** Handed to the transport in one piece, which may have gone by now. */
  #sending = 0
  #grace: NodeJS.Timeout | undefined

  /** @param overflow called when too many bytes wait for too long */
  constructor(conn: EngineConnection, limits: OutflowLimits, overflow: () => void) {
    this.#conn = conn
    this.#limits = limits
    this.#overflow = overflow
    conn.on('packetCreate', (packet: unknown) => {
      this.#queued += sizeOf(packet)
      this.#check()
    })
    // Engine.IO hands over only when the piece before has gone.
    conn.on('flush', () => {
      this.#sending = this.#queued
      this.#queued = 0
    })
    conn.once('close', () => clearTimeout(this.#grace))
  }

  get bytes(): number {
    return this.#conn.transport.writable ? this.#queued : this.#queued + this.#sending
  }

  /** Resolves when at most so many bytes wait, or when the connection is closed. */
  async until(most: number): Promise<void> {
    while (this.#conn.readyState === 'open' && this.bytes > most) {
      const { transport } = this.#conn
      await new Promise<void>((resolve) => {
        const go = (): void => {
          transport.off('drain', go)
          this.#conn.off('close', go)
          // `drain` is told before the transport says that it is writable.
          setImmediate(resolve)
        }
        transport.on('drain', go)
        this.#conn.on('close', go)
      })
    }
  }

  #check(): void {
    const { most, graceMs } = this.#limits
    const { bytes } = this
    if (bytes <= most) return
    if (bytes > BURST * most) {
      this.#overflow()
      return
    }
    this.#grace ??= setTimeout(() => {
      this.#grace = undefined
      if (this.bytes > most) this.#overflow()
    }, graceMs).unref()
  }
}

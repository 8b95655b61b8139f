import type { Change } from './changes.ts'
import type { PotokSocket } from './server.ts'

/** A socket that is being brought up to date: told one by one until it can join the channel's room. */
export interface CatchUp {
  readonly socket: PotokSocket
  readonly channel: string
  /** Changes that came while the log was read. */
  readonly waiting: Change[]
  /** What the socket has been told up to; undefined while the log is being read. */
  told: bigint | undefined
}

export function tell(socket: PotokSocket, { name, payload }: Change): void {
  socket.emit(name, payload)
}

/** Tells the next change unless the log has told it already. */
function advance(entry: CatchUp, change: Change): void {
  if (entry.told === undefined) entry.waiting.push(change)
  else if (change.position > entry.told) {
    tell(entry.socket, change)
    entry.told = change.position
  }
}

/** Those who read the log while the feed goes on. `join` takes one into the room, in the same turn as its last event. */
export class CatchUps {
  readonly #entries = new Set<CatchUp>()
  readonly #join: (entry: CatchUp) => void

  constructor(join: (entry: CatchUp) => void) {
    this.#join = join
  }

  begin(socket: PotokSocket, channel: string): CatchUp {
    const entry: CatchUp = { socket, channel, waiting: [], told: undefined }
    this.#entries.add(entry)
    return entry
  }

  /** The log has been told up to `told`; what came meanwhile follows. `feed` is where the feed stands. */
  ready(entry: CatchUp, told: bigint, feed: bigint): void {
    entry.told = told
    for (const change of entry.waiting.splice(0)) advance(entry, change)
    this.settle(feed)
  }

  /** One event of the feed for those who are not in a room yet. */
  publish(change: Change): void {
    for (const entry of this.#entries) {
      if (change.channels.includes(entry.channel)) advance(entry, change)
    }
  }

  /** Lets those join whom the feed has reached: from here on the room tells them all, and nothing twice. */
  settle(feed: bigint): void {
    for (const entry of this.#entries) {
      if (entry.told === undefined || feed < entry.told) continue
      this.#entries.delete(entry)
      if (entry.socket.connected) this.#join(entry)
    }
  }

  drop(entry: CatchUp): void {
    this.#entries.delete(entry)
  }

  /** Ends all of a socket's, or those of one channel. */
  forget(socket: PotokSocket, channel?: string): void {
    for (const entry of this.#entries) {
      if (entry.socket === socket && (channel ?? entry.channel) === entry.channel) {
        this.#entries.delete(entry)
      }
    }
  }

  clear(): void {
    this.#entries.clear()
  }

  /** Channels that a socket is about to join. */
  count(socket: PotokSocket): number {
    return [...this.#entries].filter((entry) => entry.socket === socket).length
  }
}

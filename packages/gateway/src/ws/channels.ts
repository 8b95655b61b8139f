import type { EventLogItem } from '@potok/contracts/event'
import { CatchUps, tell, type CatchUp } from './catch-ups.ts'
import { changeOf, epochOf, positionOf } from './changes.ts'
import { SocketRefusal } from './errors.ts'
import type { EventLog } from './event-log.ts'
import type { PotokServer, PotokSocket } from './server.ts'

export interface ChannelsDeps {
  io: PotokServer
  log: EventLog
  /** Position of this replica in the event log; undefined before its first contact. */
  cursor: () => string | undefined
  /** Events that a subscription may have missed and still get. */
  recoverMost: number
}

const room = (channel: string): string => `channel:${channel}`

/**
 * Who follows what, and how a follower gets every change once and in order: a channel is a room; whoever comes with a
 * cursor is told what it missed first, and joins the room when this replica's feed is no further back than that.
 */
export class Channels {
  readonly #deps: ChannelsDeps
  readonly #catchUps = new CatchUps(({ socket, channel }) => void socket.join(room(channel)))

  constructor(deps: ChannelsDeps) {
    this.#deps = deps
  }

  /** @returns the ack: where the socket stands, and whether nothing was missed */
  async subscribe(
    socket: PotokSocket,
    channel: string,
    since: string | undefined,
  ): Promise<{ cursor: string; recovered: boolean }> {
    const at = this.#head()
    if (since !== undefined && epochOf(since) === epochOf(at)) {
      const upTo = await this.#resume(socket, channel, since)
      if (upTo !== undefined) return { cursor: upTo, recovered: true }
    }
    await socket.join(room(channel))
    return { cursor: this.#head(), recovered: false }
  }

  async unsubscribe(socket: PotokSocket, channel: string): Promise<void> {
    this.#catchUps.forget(socket, channel)
    await socket.leave(room(channel))
  }

  follows(socket: PotokSocket, channel: string): boolean {
    return socket.rooms.has(room(channel))
  }

  /** Channels of a socket. */
  count(socket: PotokSocket): number {
    const joined = [...socket.rooms].filter((name) => name.startsWith(room('')))
    return joined.length + this.#catchUps.count(socket)
  }

  /** One event of the log, in order, to this replica's own sockets. */
  publish(item: EventLogItem): void {
    const change = changeOf(item)
    if (change !== undefined) {
      const { io } = this.#deps
      io.local.to(change.channels.map(room)).emit(change.name, change.payload)
      this.#catchUps.publish(change)
    }
    this.#catchUps.settle(positionOf(item.cursor))
  }

  /** The log cannot be continued: cut everybody's connection, so that clients come back and are told to reload. */
  reset(): void {
    this.#catchUps.clear()
    for (const socket of this.#deps.io.sockets.sockets.values()) socket.conn.close()
  }

  /** A socket has gone. */
  forget(socket: PotokSocket): void {
    this.#catchUps.forget(socket)
  }

  message(roomId: string, from: string, text: string): void {
    const timestamp = new Date().toISOString()
    this.#deps.io.to(room(`room:${roomId}`)).emit('message', { roomId, from, text, timestamp })
  }

  #head(): string {
    const at = this.#deps.cursor()
    if (at === undefined) throw new SocketRefusal('WS_STATE_UNAVAILABLE')
    return at
  }

  /** Tells what was missed and joins. @returns up to where; undefined when the client must reload */
  async #resume(socket: PotokSocket, channel: string, since: string): Promise<string | undefined> {
    const entry = this.#catchUps.begin(socket, channel)
    try {
      const upTo = await this.#recover(entry, since)
      if (upTo === undefined) this.#catchUps.drop(entry)
      else this.#catchUps.ready(entry, positionOf(upTo), positionOf(this.#head()))
      return upTo
    } catch (error) {
      this.#catchUps.drop(entry)
      throw new SocketRefusal('WS_STATE_UNAVAILABLE', undefined, error)
    }
  }

  async #recover({ socket, channel }: CatchUp, since: string): Promise<string | undefined> {
    const items = await this.#deps.log.missed(since, this.#deps.recoverMost)
    for (const item of items ?? []) {
      const change = changeOf(item)
      if (change?.channels.includes(channel) === true) tell(socket, change)
    }
    return items === undefined ? undefined : (items.at(-1)?.cursor ?? since)
  }
}

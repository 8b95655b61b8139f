import type { EventLogItem } from '@potok/contracts/event'
import { positionOf, type StateEvents } from '../events/index.ts'
import { changeOf, type Change } from './changes.ts'
import type { Close } from './closing.ts'
import { SocketRefusal } from './errors.ts'
import { mayFollow } from './rights.ts'
import type { PotokServer, SocketPrincipal } from './server.ts'
import type { Visit } from './visit.ts'

export interface ChannelsDeps {
  io: PotokServer
  /** Where this replica stands in the event log, and what was missed. */
  events: Pick<StateEvents, 'cursor' | 'contact' | 'missed'>
  close: Close
  /** How long a subscription waits for the first contact with the log, milliseconds. */
  contactWithinMs: number
  /** Changes that may come in during a replay; beyond, the client is too slow. */
  waitingMost: number
  /** Bytes that a replay lets wait for a connection before it pauses. */
  replayBytes: number
  recovered: (outcome: 'recovered' | 'reload') => void
}

const roomOf = (channel: string): string => `channel:${channel}`
const isChat = (channel: string): boolean => channel.startsWith('room:')

/** The acknowledgement of a subscription, as it is true at the moment of its sending. */
export type Subscribed = () => { cursor: string; recovered: boolean }

/** Who follows what, and how a follower gets every change once and in order. */
export class Channels {
  readonly #deps: ChannelsDeps
  /** Those who stand outside of the rooms: see {@link Follower}. */
  readonly #outside = new Set<Visit>()

  constructor(deps: ChannelsDeps) {
    this.#deps = deps
  }

  async subscribe(visit: Visit, channel: string, since: string | undefined): Promise<Subscribed> {
    const at = await this.#deps.events.contact(this.#deps.contactWithinMs)
    if (at === undefined) throw new SocketRefusal('WS_STATE_UNAVAILABLE')
    const wantsReplay = since !== undefined && !isChat(channel)
    const recovered = wantsReplay && (await this.#resume(visit, channel, since))
    if (wantsReplay) this.#deps.recovered(recovered ? 'recovered' : 'reload')
    if (!recovered) this.#follow(visit, channel)
    return () => ({ cursor: visit.follower.cursorOf(channel, this.#head()), recovered })
  }

  unsubscribe(visit: Visit, channel: string): void {
    visit.rooms.delete(channel)
    visit.follower.unfollow(channel)
    void visit.socket.leave(roomOf(channel))
  }

  /** After a renewal with other roles: what is not allowed any more ends. @returns those channels */
  revise(visit: Visit, principal: SocketPrincipal): string[] {
    const lost = visit.follower.channels.filter((channel) => !mayFollow(principal, channel))
    for (const channel of lost) this.unsubscribe(visit, channel)
    return lost
  }

  /** Channels of a socket. */
  of({ follower, rooms }: Visit): string[] {
    return [...follower.channels, ...rooms]
  }

  /** One event of the log, in order, to this replica's own sockets. */
  publish(item: EventLogItem): void {
    const change = changeOf(item)
    if (change !== undefined) this.#tell(change)
    const position = positionOf(item.cursor)
    for (const visit of this.#outside) this.#settle(visit, position)
  }

  /** A socket has gone. */
  forget(visit: Visit): void {
    this.#outside.delete(visit)
  }

  message(roomId: string, from: string, text: string): void {
    const timestamp = new Date().toISOString()
    this.#deps.io.to(roomOf(`room:${roomId}`)).emit('message', { roomId, from, text, timestamp })
  }

  #head(): string {
    const at = this.#deps.events.cursor()
    if (at === undefined) throw new SocketRefusal('WS_STATE_UNAVAILABLE')
    return at
  }

  #follow(visit: Visit, channel: string): void {
    if (isChat(channel)) visit.rooms.add(channel)
    else visit.follower.follow(channel, this.#head())
    if (isChat(channel) || !this.#outside.has(visit)) void visit.socket.join(roomOf(channel))
  }

  #tell(change: Change): void {
    const { io, close, waitingMost } = this.#deps
    const { rooms } = io.sockets.adapter
    const followed = change.channels.map(roomOf).filter((room) => rooms.has(room))
    if (followed.length > 0) io.local.to(followed).emit(change.name, change.payload)
    for (const visit of this.#outside) {
      visit.follower.take(change)
      if (visit.follower.waiting > waitingMost) close(visit, 'WS_TOO_SLOW')
    }
  }

  /** Tells what was missed. @returns false when the client must reload */
  async #resume(visit: Visit, channel: string, since: string): Promise<boolean> {
    const { follower } = visit
    this.unsubscribe(visit, channel)
    this.#leaveRooms(visit)
    follower.expect(channel, since)
    try {
      const missed = await this.#missed(since)
      if (missed === undefined) {
        follower.unfollow(channel)
        return false
      }
      const changes = missed.map(changeOf).filter((change) => change !== undefined)
      await follower.replay(changes, missed.at(-1)?.cursor ?? since, () => this.#hasRoom(visit))
      return true
    } catch (error) {
      follower.unfollow(channel)
      throw error
    } finally {
      this.#settle(visit, positionOf(this.#head()))
    }
  }

  async #missed(since: string): Promise<EventLogItem[] | undefined> {
    try {
      return await this.#deps.events.missed(since)
    } catch (error) {
      throw new SocketRefusal('WS_STATE_UNAVAILABLE', undefined, error)
    }
  }

  /** Waits until the client has read enough to be told more. @returns false when it has gone */
  async #hasRoom({ socket, connection }: Visit): Promise<boolean> {
    const { replayBytes } = this.#deps
    if (connection.outflow.bytes > replayBytes) await connection.outflow.until(replayBytes)
    return socket.connected
  }

  #leaveRooms(visit: Visit): void {
    if (this.#outside.has(visit)) return
    visit.follower.leaveRooms(this.#head())
    for (const channel of visit.follower.channels) void visit.socket.leave(roomOf(channel))
    this.#outside.add(visit)
  }

  /** Lets it back into the rooms once this replica is as far as what it was told. */
  #settle(visit: Visit, feed: bigint): void {
    if (!visit.socket.connected) this.#outside.delete(visit)
    else if (this.#outside.has(visit) && visit.follower.isLevelWith(feed)) {
      this.#outside.delete(visit)
      void visit.socket.join(visit.follower.channels.map(roomOf))
    }
  }
}

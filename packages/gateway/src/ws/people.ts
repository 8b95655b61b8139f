import type { FastifyBaseLogger } from 'fastify'
import { audiencesOf, type Notifications } from '../notifications/index.ts'
import type { Authentication } from './authentication.ts'
import type { Channels } from './channels.ts'
import { SocketRefusal } from './errors.ts'
import type { Presence } from './presence.ts'
import type { SocketPrincipal } from './server.ts'
import type { Visit, Visits } from './visit.ts'

export interface PeopleDeps {
  visits: Visits
  authentication: Pick<Authentication, 'watch'>
  channels: Channels
  presence: Pick<Presence, 'arrive' | 'leave'>
  notifications: Pick<Notifications, 'unseen'>
  /** Sockets of one person. */
  most: number
  log: FastifyBaseLogger
}

const roomsOf = (principal: SocketPrincipal): string[] =>
  audiencesOf(principal).map((audience) => `audience:${audience}`)

/** What it means for a socket that somebody is behind it. */
export function createPeople(deps: PeopleDeps) {
  const { visits, authentication, channels, presence, notifications, most, log } = deps

  function checkRoom({ id }: SocketPrincipal): void {
    if (visits.countOf(id) >= most) throw new SocketRefusal('WS_TOO_MANY_CONNECTIONS')
  }

  async function greet({ socket }: Visit, principal: SocketPrincipal): Promise<void> {
    try {
      const unseen = await notifications.unseen(principal)
      for (const notification of unseen) socket.emit('notification', notification)
    } catch (error) {
      // They are kept: the next connection tells them.
      log.warn({ err: error, userId: principal.id }, 'unseen notifications could not be read')
    }
  }

  function begin(visit: Visit, principal: SocketPrincipal): void {
    checkRoom(principal)
    visit.principal = principal
    if (visits.identify(visit, principal)) presence.arrive(principal.id)
    // In one turn: from here on every new one reaches the room, and only those before are read.
    void visit.socket.join(roomsOf(principal))
    void greet(visit, principal)
  }

  /** The same person with a newer token, and maybe other roles. */
  function renew(visit: Visit, before: SocketPrincipal, principal: SocketPrincipal): void {
    visit.principal = principal
    const rooms = new Set(roomsOf(principal))
    for (const room of roomsOf(before)) if (!rooms.has(room)) void visit.socket.leave(room)
    void visit.socket.join([...rooms])
    revise(visit)
    // Again after the subscriptions that were allowed before and are still under way.
    visit.turn = visit.turn.then(() => revise(visit))
  }

  function revise(visit: Visit): void {
    if (visit.principal === undefined) return
    for (const channel of channels.revise(visit, visit.principal)) {
      const lost = new SocketRefusal('WS_CHANNEL_FORBIDDEN', `Your roles do not allow ${channel}`)
      visit.socket.emit('error', lost.toJSON())
    }
  }

  return {
    /** @throws SocketRefusal when the person has as many sockets as they may have */
    checkRoom,
    /** A good token was shown: the first one of a socket, or a newer one. */
    admit(visit: Visit, principal: SocketPrincipal): void {
      if (visit.principal === undefined) begin(visit, principal)
      else renew(visit, visit.principal, principal)
      authentication.watch(visit)
    },
    /** A socket has gone. */
    dismiss(visit: Visit): void {
      const last = visits.remove(visit)
      if (last !== undefined) presence.leave(last)
    },
  }
}

import type { FastifyBaseLogger } from 'fastify'
import type { HttpClient } from '@potok/core/http-client'
import type { StateEvents } from '../events/index.ts'
import type { Notifications } from '../notifications/index.ts'
import { createAuthentication } from './authentication.ts'
import { Channels } from './channels.ts'
import { createClose } from './closing.ts'
import type { Connections } from './connections.ts'
import { SocketRefusal } from './errors.ts'
import { Follower } from './follower.ts'
import { createReceiver } from './handlers.ts'
import type { SocketMetrics } from './metrics.ts'
import type { SocketLimits } from './options.ts'
import { createPeople } from './people.ts'
import { Presence } from './presence.ts'
import { createBucket } from './rate.ts'
import type { PotokServer, PotokSocket, SocketPrincipal } from './server.ts'
import { Visits, type Visit } from './visit.ts'

export interface DoorDeps {
  io: PotokServer
  /** Whom a token stands for; throws when it is not good. */
  verify: (token: string) => SocketPrincipal
  /** Looks for sessions that ended on other replicas. */
  lookForRevocations: () => void
  events: StateEvents
  notifications: Notifications
  state: Pick<HttpClient, 'request'>
  connections: Connections
  limits: SocketLimits
  metrics: SocketMetrics
  log: FastifyBaseLogger
  /** Whether there are other replicas that can be told something. */
  hasReplicas: boolean
  /** Between two signs of life of one person, milliseconds. */
  presenceBeatMs: number
}

/** How much of the queue of a connection a replay fills. */
const REPLAY_SHARE = 0.25
const PRESENCE_RETRY_MS = 5000
const PRESENCE_AT_ONCE = 16
/** What ws says of a packet above `maxHttpBufferSize`; it closes with 1009. */
const TOO_LARGE = /max payload size exceeded/iu

function createParts(deps: DoorDeps) {
  const { io, limits, metrics, log, notifications } = deps
  const visits = new Visits()
  const close = createClose({ withinMs: limits.closeWithinMs, closed: metrics.closed, log })
  const authentication = createAuthentication({
    verify: deps.verify,
    withinMs: limits.authenticateWithinMs,
    close,
  })
  const channels = new Channels({
    io,
    events: deps.events,
    close,
    contactWithinMs: limits.contactWithinMs,
    waitingMost: limits.waitingEvents,
    replayBytes: limits.queueBytes * REPLAY_SHARE,
    recovered: metrics.resumed,
  })
  const presence = new Presence({
    state: deps.state,
    log,
    beatMs: deps.presenceBeatMs,
    retryMs: PRESENCE_RETRY_MS,
    atOnce: PRESENCE_AT_ONCE,
    beaten: metrics.beaten,
  })
  const people = createPeople({
    visits,
    authentication,
    channels,
    presence,
    notifications,
    most: limits.connectionsPerUser,
    log,
  })
  const receive = createReceiver({
    authentication,
    channels,
    close,
    limits,
    metrics,
    log,
    admit: (visit, principal) => people.admit(visit, principal),
    seen: (id, principal) => notifications.seen(principal, id),
  })
  return { visits, close, authentication, channels, presence, people, receive }
}

type Parts = ReturnType<typeof createParts>

function visitOf(socket: PotokSocket, { connections, limits }: DoorDeps): Visit {
  return {
    socket,
    connection: connections.of(socket.conn),
    follower: new Follower(({ name, payload }) => void socket.emit(name, payload)),
    rooms: new Set(),
    events: createBucket(limits.eventsPerSecond, limits.eventsAtOnce),
    messages: createBucket(limits.messagesPerSecond, limits.messagesPerSecond),
    patience: createBucket(1, limits.refusals),
    principal: undefined,
    deadline: undefined,
    turn: Promise.resolve(),
    turns: 0,
    isClosing: false,
  }
}

/** Before a socket is there: a good token or none, and not too many of them. */
function guardHandshakes(deps: DoorDeps, { authentication, people }: Parts): void {
  const { io, connections, metrics, limits, log } = deps
  io.use((socket, next) => {
    const connection = connections.of(socket.conn)
    connection.spoke()
    try {
      if (connection.surplus) throw new SocketRefusal('WS_TOO_MANY_CONNECTIONS')
      const principal = authentication.handshake(socket)
      if (principal !== undefined) {
        people.checkRoom(principal)
        socket.data.principal = principal
      }
      next()
    } catch (error) {
      const known = error instanceof SocketRefusal
      if (!known) log.error({ err: error }, 'handshake failed')
      const refusal = known ? error : new SocketRefusal('WS_INTERNAL_ERROR')
      metrics.refused(refusal.code)
      next(refusal)
      setTimeout(() => socket.conn.close(), limits.closeWithinMs).unref()
    }
  })
}

function receiveSockets(deps: DoorDeps, parts: Parts): void {
  const { io, metrics, log } = deps
  const { visits, close, authentication, channels, people, receive } = parts
  io.on('connection', (socket) => {
    const visit = visitOf(socket, deps)
    metrics.opened()
    visits.add(visit)
    visit.connection.onExcess((code) => close(visit, code))
    authentication.watch(visit)
    socket.onAny((name: string, ...values: unknown[]) => void receive(visit, name, values))
    socket.on('disconnect', (reason, description: unknown) => {
      metrics.gone()
      clearTimeout(visit.deadline)
      channels.forget(visit)
      people.dismiss(visit)
      if (TOO_LARGE.test(String(description))) metrics.closed('WS_PAYLOAD_TOO_LARGE')
      log.info({ socketId: socket.id, userId: visit.principal?.id, reason }, 'socket disconnected')
    })
    const { principal } = socket.data
    log.info({ socketId: socket.id, userId: principal?.id }, 'socket connected')
    if (principal === undefined) return
    try {
      people.admit(visit, principal)
    } catch (error) {
      // Another socket of the person has taken the last place since the handshake.
      close(visit, error instanceof SocketRefusal ? error.code : 'WS_INTERNAL_ERROR')
    }
  })
}

/** The sockets of one replica, from the handshake to the farewell. */
export function createDoor(deps: DoorDeps) {
  const { io, events, notifications, connections, limits, hasReplicas } = deps
  const parts = createParts(deps)
  const { visits, close, channels, presence } = parts
  guardHandshakes(deps, parts)
  receiveSockets(deps, parts)

  events.listen({
    event: (item) => channels.publish(item),
    // Clients come back, and are told to load anew because their cursors are of another log.
    reset: () => {
      for (const visit of visits) close(visit, 'WS_LOG_RESET')
    },
  })
  notifications.listen({
    deliver: (audience, notification) => {
      io.local.to(`audience:${audience}`).emit('notification', notification)
    },
    stored: () => hasReplicas && io.serverSideEmit('notified'),
  })
  io.on('notified', () => notifications.look())

  // Its sockets are closed once this replica itself refuses its tokens: nobody slips in again in between.
  io.on('sessionEnded', () => deps.lookForRevocations())

  return {
    start: (): void => presence.start(),
    /** A session ended before its time: its sockets are closed here, and the other replicas look for it. */
    sessionEnded(sid: string, endedHere: boolean): void {
      for (const visit of visits.ofSession(sid)) close(visit, 'WS_SESSION_ENDED')
      if (endedHere && hasReplicas) io.serverSideEmit('sessionEnded')
    },
    /** Says goodbye to everybody and lets nobody in; resolves when they have gone. */
    async close(): Promise<void> {
      presence.close()
      const open = connections.close()
      for (const visit of visits) close(visit, 'WS_SERVER_CLOSING')
      for (const connection of open) connection.close()
      await Promise.all(open.map((connection) => connection.gone(limits.closeWithinMs)))
    },
  }
}

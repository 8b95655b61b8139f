/**
 * Sockets: dashboards follow tasks, people and processes over Socket.IO, in log order, resumable by cursor.
 */
import fp from 'fastify-plugin'
import fastifySocketIo from 'fastify-socket.io'
import { SOCKET_PATH } from '@potok/contracts/socket-events'
import { isAllowedOrigin } from '@potok/core/security'
import { createAuthentication } from './authentication.ts'
import { Channels } from './channels.ts'
import { createEventLog } from './event-log.ts'
import { handle, type SocketLimits } from './handlers.ts'
import { socketMetrics } from './metrics.ts'
import type { PotokServer } from './server.ts'

export interface WsOptions {
  /** Origins that browsers may connect from. */
  origins: readonly string[]
  transports: readonly ('websocket' | 'polling')[]
  limits?: Partial<SocketLimits>
  /** How long a socket may stay without a token, milliseconds. */
  authenticateWithinMs?: number
  /** Largest packet of a client, bytes. */
  maxPayloadBytes?: number
  /** Events that a subscription may have missed and still get. */
  recoverMost?: number
}

declare module 'fastify' {
  interface FastifyInstance {
    io: PotokServer
  }
}

const LIMITS: SocketLimits = { eventsPerSecond: 20, channelsPerSocket: 100, messagesPerSecond: 10 }

export default fp<WsOptions>(
  async (app, { origins, transports, ...options }) => {
    await app.register(fastifySocketIo.default, {
      path: SOCKET_PATH,
      transports: [...transports],
      serveClient: false,
      // The HTTP guard answers the upgrades that are not ours.
      destroyUpgrade: false,
      connectTimeout: 10_000,
      maxHttpBufferSize: options.maxPayloadBytes ?? 64 * 1024,
      // Socket.IO's own recovery would skip the authentication of a returning socket; cursors do it better.
      cors: { origin: [...origins] },
      allowRequest: (request, done) => done(null, isAllowedOrigin(origins, request.headers.origin)),
      preClose: (done) => {
        app.io.local.disconnectSockets(true)
        done()
      },
    })
    const log = app.log.child({ context: 'WebSocketModule' })
    const authentication = createAuthentication({
      verify: (token) => app.auth.verify(token),
      authenticateWithinMs: options.authenticateWithinMs ?? 10_000,
    })
    const channels = new Channels({
      io: app.io,
      log: createEventLog(app.upstreams.state),
      cursor: () => app.stateEvents.cursor(),
      recoverMost: options.recoverMost ?? 1000,
    })
    const limits = { ...LIMITS, ...options.limits }
    const { active, total } = socketMetrics(app.registry)

    app.stateEvents.listen({
      event: (item) => channels.publish(item),
      reset: () => channels.reset(),
    })
    app.auth.onRevoked(({ sid }) => authentication.endSession(app.io, sid))
    app.io.use((socket, next) => {
      try {
        authentication.handshake(socket)
        next()
      } catch (error) {
        next(error instanceof Error ? error : new Error('refused', { cause: error }))
      }
    })
    app.io.on('connection', (socket) => {
      active.inc()
      total.inc()
      log.info({ socketId: socket.id, userId: socket.data.principal?.id }, 'socket connected')
      authentication.watch(socket)
      handle(socket, { authentication, channels, limits, log })
      socket.on('disconnect', (reason) => {
        active.dec()
        channels.forget(socket)
        log.info(
          { socketId: socket.id, userId: socket.data.principal?.id, reason },
          'socket disconnected',
        )
      })
    })
  },
  {
    name: '@potok/gateway-ws',
    fastify: '5.x',
    dependencies: ['@potok/gateway-events', '@potok/gateway-auth', '@potok/gateway-upstreams'],
  },
)

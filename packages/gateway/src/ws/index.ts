/**
 * Sockets: dashboards follow tasks, people and processes over Socket.IO, in log order, resumable by cursor; they write in
 * rooms, and are told their notifications. Who is connected is online.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import fastifySocketIo from 'fastify-socket.io'
import { SOCKET_PATH } from '@potok/contracts/socket-events'
import { clientAddress } from '@potok/core/lib/client-address'
import { Connections } from './connections.ts'
import { createDoor } from './door.ts'
import { socketMetrics, type SocketMetrics } from './metrics.ts'
import { LIMITS, type SocketLimits } from './options.ts'
import { createRelay } from './relay.ts'
import type { PotokServer } from './server.ts'

export interface WsOptions {
  /** Origins that browsers may connect from. */
  origins: readonly string[]
  transports: readonly ('websocket' | 'polling')[]
  /** Proxies whose word about the client's address counts, as `trustedProxies` gives them. */
  trustedProxies: readonly string[] | false
  /** Before every key in Redis. */
  keyPrefix: string
  limits?: Partial<SocketLimits>
  /** Between two signs of life of one person, milliseconds. Default 30 000. */
  presenceBeatMs?: number
}

declare module 'fastify' {
  interface FastifyInstance {
    io: PotokServer
  }
}

/** Replicas hear of each other where there is Redis. */
function relayOf(app: FastifyInstance, keyPrefix: string, { relayLost }: SocketMetrics) {
  const { redisLink: link } = app
  if (link === undefined) return undefined
  return createRelay({ link, keyPrefix, pendingMost: 1000, patienceMs: 100, lost: relayLost })
}

export default fp<WsOptions>(
  async (app, { origins, transports, trustedProxies, keyPrefix, ...options }) => {
    const limits = { ...LIMITS, ...options.limits }
    const metrics = socketMetrics(app.registry)
    const relay = relayOf(app, keyPrefix, metrics)
    const connections = new Connections({
      limits,
      origins,
      addressOf: clientAddress(trustedProxies),
      refused: metrics.rejected,
    })
    let closeAll: (() => Promise<void>) | undefined
    await app.register(fastifySocketIo.default, {
      path: SOCKET_PATH,
      transports: [...transports],
      serveClient: false,
      connectTimeout: limits.authenticateWithinMs,
      maxHttpBufferSize: limits.payloadBytes,
      // Other paths are the routes' business: an offer to upgrade there is answered as if it had not been made.
      destroyUpgrade: false,
      // Socket.IO's own recovery would skip the authentication of a returning socket; cursors do it better.
      cors: { origin: [...origins] },
      allowRequest: (request, done) => done(null, connections.mayConnect(request)),
      preClose: (done) => {
        const close = closeAll ?? (async () => undefined)
        void close().finally(() => done())
      },
      ...(relay !== undefined && { adapter: relay.adapter }),
    })
    app.io.engine.on('connection', (conn: Parameters<typeof connections.add>[0]) =>
      connections.add(conn),
    )
    const door = createDoor({
      io: app.io,
      verify: (token) => app.auth.verify(token),
      lookForRevocations: () => app.auth.lookForRevocations(),
      events: app.stateEvents,
      notifications: app.notifications,
      state: app.upstreams.state,
      connections,
      limits,
      metrics,
      log: app.log.child({ context: 'WebSocketModule' }),
      hasReplicas: relay !== undefined,
      presenceBeatMs: options.presenceBeatMs ?? 30_000,
    })
    closeAll = () => door.close()
    app.auth.onRevoked(({ sid }, endedHere) => door.sessionEnded(sid, endedHere))
    app.addHook('onReady', async () => door.start())
    app.addHook('onClose', async () => relay?.close())
  },
  {
    name: '@potok/gateway-ws',
    fastify: '5.x',
    dependencies: [
      '@potok/gateway-events',
      '@potok/gateway-auth',
      '@potok/gateway-access',
      '@potok/gateway-upstreams',
      '@potok/gateway-notifications',
      '@potok/gateway-redis',
    ],
  },
)

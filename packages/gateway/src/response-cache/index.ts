/**
 * Response cache: `app.responseCache.keep(scope, …)` answers the GETs of a scope from what is kept, and `settle` keeps
 * what the service behind answered. What the event log tells of is thrown away; who may see it is part of every key.
 */
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawServerBase,
  RequestGenericInterface,
  RouteGenericInterface,
} from 'fastify'
import fp from 'fastify-plugin'
import { aboutEvent, aboutWrite } from './about.ts'
import { hasTag } from './entity-tags.ts'
import type { Answered, Flight } from './flights.ts'
import { createMemory } from './memory.ts'
import { cacheMetrics } from './metrics.ts'
import { createPurges } from './purges.ts'
import { createResponseCache, type Found } from './response-cache.ts'
import { createShared } from './shared.ts'
import { pathOf, wantedOf, type Keeping } from './wanted.ts'

export type { Keeping } from './wanted.ts'

export interface ResponseCacheOptions {
  /** How long an answer is kept at most; 0: nothing is kept. */
  ttlMs: number
  /** Memory of the process for kept answers. */
  maxBytes: number
  /** Epoch milliseconds. */
  now?: () => number
}

/** As `@fastify/http-proxy` types them: whatever server they came in by. */
type ClientRequest = FastifyRequest<RequestGenericInterface, RawServerBase>
type ClientReply = FastifyReply<RouteGenericInterface, RawServerBase>

interface Asked {
  flight: Flight | undefined
  why: string
  ifNoneMatch: string | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    /** A question that the cache could not answer. */
    asked: Asked | undefined
  }
  interface FastifyInstance {
    responseCache: {
      /** To be called after the guard of the scope, before its handlers. */
      keep: (scope: FastifyInstance, keeping: Keeping) => void
      /** Keeps it, or takes it for a change. @returns whether it sent the answer itself, as 304 */
      settle: (request: ClientRequest, reply: ClientReply, answered: Answered) => boolean
    }
  }
}

/** RFC 9211: who says so. */
const NAME = 'potok-gateway'
/** How long a question waits for the answer to the same one, milliseconds. */
const PATIENCE_MS = 2000
/** Things whose last change is remembered. */
const TAGS = 10_000
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

function sendKept(reply: FastifyReply, { entry, collapsed }: Hit, now: number): FastifyReply {
  const { headers, body, storedAt, expiresAt } = entry
  const ttl = Math.ceil((expiresAt - now) / 1000)
  reply
    .headers(headers)
    .header('age', Math.floor((now - storedAt) / 1000))
    .header(
      'cache-status',
      collapsed ? `${NAME}; fwd=uri-miss; collapsed` : `${NAME}; hit; ttl=${ttl}`,
    )
  if (hasTag(reply.request.headers['if-none-match'], headers.etag)) sendUnchanged(reply)
  else void reply.send(body)
  return reply
}

type Hit = Extract<Found, { kind: 'hit' }>

function sendUnchanged(reply: Pick<ClientReply, 'code' | 'removeHeader'>): void {
  // RFC 9110 §15.4.5: what describes the body is not said without it.
  for (const name of ['content-type', 'content-length', 'content-encoding']) {
    reply.removeHeader(name)
  }
  void reply.code(304).send()
}

/** The whole answer is fetched, whatever of it this client has: others have not. */
function ask(
  request: FastifyRequest,
  reply: FastifyReply,
  found: Exclude<Found, Hit>,
  { isFollowed }: Keeping,
): void {
  if (found.kind === 'bypass') {
    request.asked = { flight: undefined, why: 'bypass', ifNoneMatch: undefined }
    return
  }
  const { headers, raw } = request
  const { flight } = found
  // Whatever becomes of it, others may be waiting.
  if (raw.socket.destroyed) flight.abandon()
  else reply.raw.once('close', () => (raw.socket.destroyed ? flight.abandon() : flight.fail()))
  request.asked = { ...found, ifNoneMatch: headers['if-none-match'] }
  headers['if-none-match'] = undefined
  // A replica of the service that has not heard of a change yet must not answer from its own cache after the purge.
  if (isFollowed) headers['cache-control'] = 'no-cache'
}

function createParts(
  app: FastifyInstance,
  { ttlMs, maxBytes, now = Date.now }: ResponseCacheOptions,
) {
  const purges = createPurges(TAGS)
  const memory = createMemory(maxBytes)
  app.stateEvents.listen({
    contact: (cursor) => purges.everything(cursor),
    event: (item) => purges.changed(aboutEvent(item), item.cursor),
    reset(cursor) {
      purges.everything(cursor)
      memory.clear()
    },
  })
  const cache = createResponseCache({
    ttlMs,
    patienceMs: PATIENCE_MS,
    memory,
    purges,
    shared: app.redisLink && createShared(app.redisLink, purges),
    isHearing: () => app.stateEvents.connected() && purges.place() !== undefined,
    now,
  })
  const metrics = cacheMetrics(app.registry, memory.bytes)
  return { purges, cache, metrics, now }
}

type Parts = ReturnType<typeof createParts>

const keep = ({ cache, metrics, now }: Parts) =>
  function keepAnswers(scope: FastifyInstance, keeping: Keeping): void {
    scope.addHook('preHandler', async (request, reply) => {
      const wanted = wantedOf(request, keeping)
      const found = wanted === undefined ? { kind: 'bypass' as const } : await cache.find(wanted)
      if (SAFE.has(request.method)) {
        metrics.count(found.kind === 'hit' && found.collapsed ? 'collapsed' : found.kind)
      }
      if (found.kind === 'hit') return sendKept(reply, found, now())
      ask(request, reply, found, keeping)
    })
  }

const settle = ({ purges }: Parts) =>
  function settleAnswer(request: ClientRequest, reply: ClientReply, answered: Answered): boolean {
    const { status, headers, body } = answered
    if (!SAFE.has(request.method)) {
      const changed = aboutWrite(pathOf(request.url))
      if (status >= 400) return false
      if (changed === undefined) purges.everything(undefined)
      else purges.changedHere(changed)
      return false
    }
    if (request.asked === undefined) return false
    const { flight, why, ifNoneMatch } = request.asked
    const isStored = flight?.settle(answered) ?? false
    reply.header('cache-status', `${NAME}; fwd=${why}${isStored ? '; stored' : ''}`)
    if (!Buffer.isBuffer(body) || status !== 200 || !hasTag(ifNoneMatch, headers.etag)) return false
    sendUnchanged(reply)
    return true
  }

export default fp<ResponseCacheOptions>(
  async (app, options) => {
    app.decorateRequest('asked')
    const parts = createParts(app, options)
    app.decorate('responseCache', {
      keep: options.ttlMs === 0 ? () => undefined : keep(parts),
      settle: settle(parts),
    })
  },
  {
    name: '@potok/gateway-response-cache',
    fastify: '5.x',
    dependencies: ['@potok/gateway-events', '@potok/gateway-redis', '@potok/gateway-access'],
  },
)

/**
 * Proxy: what is passed on to the services, guarded by the roles table, with the gateway's key and the caller's name.
 */
import { Readable } from 'node:stream'
import httpProxy from '@fastify/http-proxy'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import {
  carryRequest,
  isEventStream,
  passedAnswer,
  proxyReplyOptions,
} from '@potok/core/http-client'
import type { Upstream } from '../upstreams/index.ts'
import { METHODS } from '../access/index.ts'
import { checkBody } from './body-rules.ts'
import { KeyRefused, ServiceNotConfigured } from './errors.ts'
import { requestHeaders, responseHeaders } from './headers.ts'
import { withOutsideLocations } from './location.ts'
import { watchPersonChanges } from './person-changes.ts'
import { createSessionStreams, type SessionStreams } from './session-streams.ts'
import { createShares, type Shares } from './shares.ts'
import { checkTargets, TARGETS, type Target } from './targets.ts'

export { outsideOf, TARGETS, type Target } from './targets.ts'

export interface ProxyOptions {
  /** Largest body that is passed on. */
  bodyLimitBytes: number
  /** Answers about states are kept too. */
  keepStates: boolean
}

/** Every route of the scope asks the roles table before anything of the body is read. */
function guardRoutes(scope: FastifyInstance): void {
  scope.addHook('onRoute', (route) => {
    route.onRequest = [scope.requireAccess, ...[route.onRequest ?? []].flat()]
    // The services' own documents tell of these.
    route.schema = Object.assign({ hide: true }, route.schema)
  })
}

/** Headers that describe a body which is not sent after all. */
const OF_THE_BODY = ['content-length', 'content-encoding', 'etag', 'last-modified', 'cache-control']

type OnResponse = typeof proxyReplyOptions.onResponse
type Passed = Parameters<OnResponse>

/** A 401 of the service is about our key, which the caller could not mend. */
function refuseKey(reply: Passed[1], body: unknown, name: string): void {
  // Breaking off is reported as an error, which here is nobody's.
  if (body instanceof Readable) body.on('error', () => undefined).destroy()
  for (const header of OF_THE_BODY) reply.removeHeader(header)
  void reply.send(Object.assign(new KeyRefused(name), { reason: 'upstream_bad_response' }))
}

/** What clients are told of the headers of a service. */
type Tell = typeof responseHeaders

function passOn(
  scope: FastifyInstance,
  { name }: Upstream,
  tell: Tell,
  streams: SessionStreams,
): OnResponse {
  return (request, reply, answer) => {
    const status = reply.statusCode
    const { headers, body } = passedAnswer(answer)
    if (status === 401) return refuseKey(reply, body, name)
    if (isEventStream(headers)) streams.follow(request.principal, body)
    const told = tell(headers)
    const isSent = scope.responseCache.settle(request, reply, { status, headers, told, body })
    if (!isSent) proxyReplyOptions.onResponse(request, reply, answer)
  }
}

/** What the scopes of all services share. */
interface Common {
  shares: Shares
  streams: SessionStreams
}

async function passTo(
  scope: FastifyInstance,
  target: Target,
  upstream: Upstream,
  { bodyLimitBytes: limit, keepStates, shares, streams }: ProxyOptions & Common,
) {
  const { keeping } = target
  guardRoutes(scope)
  const targets = TARGETS.filter(({ service }) => service === target.service)
  const tell: Tell = (headers) => withOutsideLocations(responseHeaders(headers), upstream, targets)
  // Bodies are passed on as they come; judging them is the service's business.
  scope.removeAllContentTypeParsers()
  scope.addHook('preHandler', (request, reply, proceed) => {
    // The service behind has compressed or decided not to.
    request.headers['x-no-compression'] = '1'
    if (request.decision.body === undefined) proceed()
    else checkBody(request, reply, limit).then(() => proceed(), proceed)
  })
  const share = shares.of(scope, upstream.name)
  if (keeping !== undefined && (keepStates || keeping.optional !== true)) {
    scope.responseCache.keep(scope, keeping)
  }
  if (target.service === 'admin') watchPersonChanges(scope, limit)
  await scope.register(httpProxy, {
    upstream: upstream.origin,
    prefix: target.prefix,
    rewritePrefix: upstream.basePath + target.path,
    httpMethods: [...METHODS],
    undici: upstream.proxyTransport,
    disableRequestLogging: true,
    // Its own handler returns the reply, which is thenable: Fastify would follow each answer to its end a second time.
    handler: (_request, reply, dest, replyOptions) => void reply.from(dest, replyOptions),
    // It knows paths only, and would pass an address inside on.
    internalRewriteLocationHeader: false,
    replyOptions: {
      ...proxyReplyOptions,
      onResponse: share.answered(passOn(scope, upstream, tell, streams)),
      onError: share.failed((reply, failure) => proxyReplyOptions.onError(reply, failure)),
      rewriteRequestHeaders: (request) => {
        share.begin(request)
        // What may be kept is kept whole.
        const wantsWhole = request.asked !== undefined
        const headers = requestHeaders(request, upstream.apiKey)
        if (target.ignoresKeys === true) delete headers['idempotency-key']
        return carryRequest(request, headers, { wantsWhole })
      },
      rewriteHeaders: tell,
    },
  })
}

/** Says what is missing instead of "no such route", to those who might have used it. */
async function tellMissing(scope: FastifyInstance, { prefix, service }: Target) {
  guardRoutes(scope)
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, _body, done) => done(null))
  for (const url of [prefix, `${prefix}/*`]) {
    scope.route({
      url,
      method: [...METHODS],
      handler: async () => {
        throw new ServiceNotConfigured(service)
      },
    })
  }
}

export default fp<ProxyOptions>(
  async (app, options) => {
    checkTargets(TARGETS)
    const common = { shares: createShares(app), streams: createSessionStreams(app.auth) }
    for (const target of TARGETS) {
      const upstream = app.upstreams[target.service]
      await app.register((scope) =>
        upstream === undefined
          ? tellMissing(scope, target)
          : passTo(scope, target, upstream, { ...options, ...common }),
      )
    }
  },
  {
    name: '@potok/gateway-proxy',
    fastify: '5.x',
    dependencies: [
      '@potok/gateway-upstreams',
      '@potok/gateway-access',
      '@potok/gateway-response-cache',
    ],
  },
)

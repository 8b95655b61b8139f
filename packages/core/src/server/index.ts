/**
 * The server that every process starts from: Fastify with core's plugin set, in dependency order.
 */
import type { ServerOptions as HttpServerOptions } from 'node:http'
import { fastify, type FastifyBaseLogger } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Logger } from 'pino'
import access from '../access/index.ts'
import type { BaseConfig } from '../config/schemas.ts'
import correlation, { correlationIdOf } from '../correlation/index.ts'
import docs, { type DocsOptions } from '../docs/index.ts'
import health, { type HealthOptions } from '../health/index.ts'
import { trustedProxies } from '../lib/trusted-proxies.ts'
import { requestLog, requestLogger } from '../logging/index.ts'
import metrics, { metricsEndpoint, type MetricsEndpointOptions } from '../metrics/index.ts'
import problem, { MAX_PARAM_LENGTH, sendProblem } from '../problem/index.ts'
import security from '../security/index.ts'
import tracing from '../tracing/index.ts'
import { buildSerializer, validatorCompiler } from '../validation/index.ts'
import { refuseConnection } from './refuse-connection.ts'
import { refuseExpectation, refuseWithoutHost } from './refuse-request.ts'
import { closeUnusedConnections } from './unused-connections.ts'

export interface ServerOptions {
  config: BaseConfig
  logger: Logger
  /** Origins that browsers may call from. */
  origins?: readonly string[]
  health: Pick<HealthOptions, 'prefix' | 'present'>
  metricsPath: MetricsEndpointOptions['path']
  docs: DocsOptions
}

export type Server = Awaited<ReturnType<typeof createServer>>

/** Deadlines of the HTTP server itself; without them a slow sender holds a connection for ever. */
const HTTP: HttpServerOptions = {
  requestTimeout: 60_000,
  headersTimeout: 15_000,
  keepAliveTimeout: 72_000,
  maxHeaderSize: 16_384,
  // Node's own refusal is no problem document; `refuseWithoutHost` makes one.
  requireHostHeader: false,
}

export async function createServer(options: ServerOptions) {
  const { config } = options
  // Widened on purpose: instances that differ in their logger's type do not fit each other's plugins.
  const logger: FastifyBaseLogger = options.logger
  const app = fastify({
    loggerInstance: logger,
    logController: requestLog(options.logger),
    childLoggerFactory: requestLogger,
    genReqId: correlationIdOf,
    requestIdHeader: false,
    bodyLimit: config.BODY_LIMIT,
    trustProxy: trustedProxies(config.TRUSTED_PROXIES),
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    http: HTTP,
    requestTimeout: 60_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: refuseConnection,
    schemaController: { compilersFactory: { buildSerializer } },
    // No hook has run for these: what hooks add must be added here.
    frameworkErrors: (error, request, reply) => {
      reply.header('x-correlation-id', request.id).header('x-content-type-options', 'nosniff')
      sendProblem(error, request, reply)
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  closeUnusedConnections(app)
  app.server.on('checkExpectation', refuseExpectation)
  // Every request of a pipeline listens to the end of its connection: as many as the client likes.
  app.server.on('connection', (socket) => socket.setMaxListeners(0))

  await app.register(access)
  await app.register(problem)
  await app.register(tracing, { config })
  await app.register(correlation, { traceOf: app.tracing?.traceOf })
  await app.register(security, { origins: options.origins ?? [] })
  app.addHook('onRequest', refuseWithoutHost)
  await app.register(metrics, { enabled: config.METRICS_ENABLED })
  await app.register(docs, options.docs)
  if (config.METRICS_ENABLED) await app.register(metricsEndpoint, { path: options.metricsPath })
  await app.register(health, { ...options.health, enabled: config.HEALTH_CHECK_ENABLED })
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (app.health.draining) reply.header('connection', 'close')
    done(null, payload)
  })
  return app
}

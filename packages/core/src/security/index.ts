/**
 * Security headers, CORS by an exact list of origins, compression of answers above 1 KiB.
 */
import compress from '@fastify/compress'
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import { fastify } from 'fastify'
import fp from 'fastify-plugin'
import { ConfigError } from '../config/index.ts'

export interface SecurityOptions {
  /** Origins that browsers may call from, exact. Empty: none. */
  origins: readonly string[]
}

/** The same decision for REST and sockets. A request without an origin is no browser's. */
export function isAllowedOrigin(origins: readonly string[], origin: string | undefined): boolean {
  return origin === undefined || origins.includes(origin)
}

/**
 * Splits a setting such as `CORS_ORIGINS`.
 * @throws ConfigError for what is no http(s) origin; `localhost:5173` would parse as a URL with the origin `null`
 */
export function originsOf(...settings: readonly (string | undefined)[]): string[] {
  const origins = settings
    .flatMap((setting) => (setting ?? '').split(','))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => {
      const url = URL.canParse(entry) ? new URL(entry) : undefined
      if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.origin
      throw new ConfigError(
        `CORS_ORIGINS: "${entry}" is no origin such as https://admin.example.org`,
      )
    })
  return [...new Set(origins)]
}

/** What helmet says, asked once: on every request it would build all of it anew, a tenth of what a request costs. */
async function helmetHeaders(): Promise<Record<string, string>> {
  const probe = fastify()
  await probe.register(helmet, {
    // An API's answers are no documents: nothing may be loaded from them, nobody may frame them.
    contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  })
  probe.get('/', (_request, reply) => reply.code(204).send())
  const { headers } = await probe.inject('/')
  await probe.close()
  const constant = Object.entries(headers).filter(([name]) => !OF_THE_PROBE.has(name))
  return Object.fromEntries(constant.map(([name, value]) => [name, String(value)]))
}

/** Not helmet's. */
const OF_THE_PROBE = new Set(['connection', 'date'])

export default fp<SecurityOptions>(
  async (app, { origins }) => {
    const headers = await helmetHeaders()
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(headers)
      done()
    })
    await app.register(cors, {
      origin: (origin, done) => done(null, origin !== undefined && origins.includes(origin)),
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      allowedHeaders: [
        'authorization',
        'content-type',
        'idempotency-key',
        'if-match',
        'if-none-match',
        'x-correlation-id',
      ],
      exposedHeaders: [
        'etag',
        'location',
        'retry-after',
        'ratelimit',
        'ratelimit-policy',
        'x-correlation-id',
      ],
      maxAge: 600,
    })
    await app.register(compress, {
      global: true,
      // Nobody sends us compressed bodies, and a proxied one must stay what its headers say.
      globalDecompression: false,
      threshold: 1024,
      encodings: ['br', 'gzip'],
      // An event stream must reach its reader event by event.
      customTypes: /^(?:application\/(?:json|problem\+json)|text\/(?!event-stream))/u,
    })
  },
  { name: '@potok/security', fastify: '5.x' },
)

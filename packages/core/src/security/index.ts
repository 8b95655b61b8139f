/**
 * Security headers, CORS by an exact list of origins, compression of answers above 1 KiB.
 */
import compress from '@fastify/compress'
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import fp from 'fastify-plugin'

export interface SecurityOptions {
  /** Origins that browsers may call from, exact. Empty: none. */
  origins: readonly string[]
}

/** The same decision for REST and sockets. A request without an origin is no browser's. */
export function isAllowedOrigin(origins: readonly string[], origin: string | undefined): boolean {
  return origin === undefined || origins.includes(origin)
}

/** Splits a setting such as `CORS_ORIGINS` and drops what is no origin. */
export function originsOf(...settings: readonly (string | undefined)[]): string[] {
  const origins = settings
    .flatMap((setting) => (setting ?? '').split(','))
    .map((entry) => entry.trim())
    .filter((entry) => URL.canParse(entry))
    .map((entry) => new URL(entry).origin)
  return [...new Set(origins)]
}

export default fp<SecurityOptions>(
  async (app, { origins }) => {
    await app.register(helmet, {
      // An API's answers are no documents: nothing may be loaded from them, nobody may frame them.
      contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
      crossOriginResourcePolicy: { policy: 'cross-origin' },
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
      threshold: 1024,
      encodings: ['br', 'gzip'],
      // An event stream must reach its reader event by event.
      customTypes: /^(?:application\/(?:json|problem\+json)|text\/(?!event-stream))/u,
    })
  },
  { name: '@potok/security', fastify: '5.x' },
)

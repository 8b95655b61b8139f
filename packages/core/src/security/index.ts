/**
 * Security headers, CORS by an exact list of origins, compression of answers above 1 KiB.
 */
import compress from '@fastify/compress'
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
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

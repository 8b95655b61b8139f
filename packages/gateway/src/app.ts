import overload from '@potok/core/overload'
import rateLimit from '@potok/core/rate-limit'
import { createServer, type ServerOptions } from '@potok/core/server'
import access from './access/index.ts'
import auth from './auth/index.ts'
import bot from './bot/index.ts'
import circuits from './circuits/index.ts'
import type { Config } from './config.ts'
import docs from './docs/index.ts'
import events from './events/index.ts'
import httpGuard from './http-guard/index.ts'
import notifications from './notifications/index.ts'
import notifier from './notifier/index.ts'
import {
  authOptions,
  botOptions,
  docsOptions,
  eventsOptions,
  notificationsOptions,
  notifierOptions,
  proxyOptions,
  redisOptions,
  responseCacheOptions,
  serverOptions,
  storeOptions,
  upstreamsOptions,
  wsOptions,
} from './plugin-options.ts'
import proxy from './proxy/index.ts'
import redis from './redis/index.ts'
import responseCache from './response-cache/index.ts'
import store from './store/index.ts'
import upstreams from './upstreams/index.ts'
import ws from './ws/index.ts'

/** Health and metrics are asked by machines that must not be turned away. */
const isProbe = (url: string): boolean =>
  url.startsWith('/api/v1/health') || url === '/api/v1/metrics'

/** Who is let in then knows what to do; who cannot log in can do nothing. */
const isAuth = (url: string): boolean => url.startsWith('/api/v1/auth/')

/** Stands in for what a process has of its own. */
export interface AppOptions {
  /** Epoch milliseconds, for the circuits. */
  now?: () => number
}

/** The gateway: its plugins in the order of their dependencies. */
export async function buildApp(
  config: Config,
  logger: ServerOptions['logger'],
  { now = Date.now }: AppOptions = {},
) {
  const app = await createServer({ ...serverOptions(config), logger })
  await app.register(overload, {
    maxDelayMs: config.OVERLOAD_DELAY_MS,
    isEssential: ({ routeOptions: { url = '' } }) => isProbe(url) || isAuth(url),
  })
  await app.register(redis, redisOptions(config))
  await app.register(rateLimit, {
    limit: config.THROTTLE_LIMIT,
    ttlSeconds: config.THROTTLE_TTL,
    redis: app.redisLink,
    skip: (_request, { url = '' }) => isProbe(url),
  })
  await app.register(httpGuard)
  await app.register(store, storeOptions(config))
  await app.register(upstreams, { ...upstreamsOptions(config), now })
  await app.register(auth, authOptions(config))
  await app.register(access)
  await app.register(notifications, notificationsOptions(config))
  await app.register(bot, botOptions(config))
  await app.register(notifier, notifierOptions(config))
  await app.register(events, eventsOptions(config))
  await app.register(ws, wsOptions(config))
  await app.register(responseCache, responseCacheOptions(config))
  await app.register(proxy, proxyOptions(config))
  await app.register(circuits)
  await app.register(docs, docsOptions(config))
  return app
}

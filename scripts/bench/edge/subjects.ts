import { fileURLToPath } from 'node:url'
import { startRedis } from '@potok/core/testing/redis-server'
import { login } from '../../system/api.ts'
import { createManagedProcess } from '../../system/managed-process.ts'
import { freePorts } from '../../system/ports.ts'
import { startPrivateSystem } from '../../system/private-system.ts'
import { startProgram, type Subject } from './programs.ts'

const entry = (name: string): string =>
  fileURLToPath(new URL(`../servers/${name}.js`, import.meta.url))

/** A process of the bench's own, in the shape of a service. */
async function startServer(name: string, port: number, readinessPath: string, upstream = '') {
  const one = createManagedProcess({
    service: {
      name: 'state',
      title: name,
      port,
      variable: 'PORT',
      entry: entry(name),
      env: { UPSTREAM: upstream },
      readinessPath,
    },
    env: { PATH: process.env['PATH'] },
  })
  await one.start()
  return one
}

/** The gateway as in production: JSON log to a pipe, metrics, a limit that nobody reaches, counted in Redis. */
export const gatewayEnv = (upstream: string, redisPort: number | undefined) => ({
  LOG_LEVEL: 'info',
  LOG_FORMAT: 'json',
  THROTTLE_LIMIT: '1000000',
  MAX_BOT_MODE: 'off',
  EXTERNAL_DB_URL: '',
  TASK_SERVICE_URL: upstream,
  ...(redisPort === undefined ? {} : { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redisPort) }),
})

/** Everything that is compared, in front of one and the same upstream. */
export async function startEdge() {
  const stops: (() => Promise<unknown>)[] = []
  const [upstreamPort = 0, passPort = 0, proxyPort = 0, nginxPort = 0, haproxyPort = 0] =
    await freePorts(5)
  const upstream = await startServer('upstream', upstreamPort, '/health')
  stops.push(() => upstream.end())
  const redis = await startRedis()
  if (redis !== undefined) stops.push(() => redis.stop())
  const system = await startPrivateSystem({
    env: gatewayEnv(upstream.url, redis?.port),
    only: ['admin', 'state', 'gateway'],
  })
  stops.unshift(() => system.stop())
  const passThrough = await startServer('pass-through', passPort, '/health/liveness', upstream.url)
  const httpProxy = await startServer('http-proxy', proxyPort, '/health/liveness', upstream.url)
  stops.unshift(
    () => passThrough.end(),
    () => httpProxy.end(),
  )
  const programs: Subject[] = []
  for (const [name, port] of [
    ['nginx', nginxPort],
    ['haproxy', haproxyPort],
  ] as const) {
    const program = await startProgram(name, port, upstream.url)
    if (program === undefined) continue
    programs.push(program)
    stops.unshift(program.stop)
  }
  return {
    upstream,
    redis,
    passThrough,
    httpProxy,
    programs,
    gateway: system.process('gateway'),
    token: (await login(system.url('gateway'))).token,
    async stop(): Promise<void> {
      for (const stop of stops) await stop()
    },
  }
}

export type Edge = Awaited<ReturnType<typeof startEdge>>

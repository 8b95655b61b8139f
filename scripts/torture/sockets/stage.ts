import { startNginx } from '@potok/core/testing/nginx-server'
import { startPostgres } from '@potok/core/testing/postgres-server'
import { startRedis, type RedisServer } from '@potok/core/testing/redis-server'
import { createManagedProcess, type ManagedProcess } from '../../system/managed-process.ts'
import { freePorts } from '../../system/ports.ts'
import { startPrivateSystem, type PrivateSystem } from '../../system/private-system.ts'
import type { Store } from '../torture.ts'

/** Limits that many clients of one person at one address would meet. */
const ENV = {
  MAX_BOT_MODE: 'off',
  THROTTLE_LIMIT: '1000000',
  WS_CONNECTIONS_PER_IP: '10000',
  WS_CONNECTIONS_PER_USER: '10000',
  JWT_EXPIRATION: '12h',
}

export interface Stage {
  state: ManagedProcess
  gateways: [ManagedProcess, ...ManagedProcess[]]
  redis: RedisServer | undefined
  /** Where clients connect. */
  url: string
  stop(): Promise<void>
}

type Undo = (() => Promise<unknown>)[]

function installed<T>(
  server: T | undefined,
  name: string,
  undo: Undo,
  stop: (server: T) => Promise<unknown>,
): T {
  if (server === undefined) throw new Error(`There is no ${name} here: apt-get install ${name}`)
  undo.push(() => stop(server))
  return server
}

/** One more replica of the gateway over the same stores. */
async function startSecondGateway(system: PrivateSystem, env: Record<string, string>) {
  const { service } = system.process('gateway')
  const [port = 0] = await freePorts(1)
  const { PATH } = process.env
  const second = createManagedProcess({
    service: { ...service, port },
    env: { PATH, LOG_FORMAT: 'json', LOG_LEVEL: 'info', ...env },
  })
  await second.start()
  return second
}

/** An nginx in front of the gateways; undefined where none is installed. */
export type Balancer = (
  gateways: readonly ManagedProcess[],
  state: ManagedProcess,
) => Promise<{ url: string; stop: () => Promise<void> } | undefined>

/** A balancer in front of the gateways, as in production: it asks the next one when one is away. */
const forSockets: Balancer = async (gateways) => {
  const servers = gateways.map(({ url }) => `server ${new URL(url).host} max_fails=0;`).join(' ')
  const http = ({ port }: { port: number }): string => `
    upstream gateways { ${servers} }
    server {
      listen 127.0.0.1:${port};
      location / {
        proxy_pass http://gateways;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
        proxy_read_timeout 75s;
      }
    }`
  return startNginx({ http })
}

async function startReplicated(
  undo: Undo,
  balancer: Balancer,
  more: Readonly<Record<string, string>>,
): Promise<Omit<Stage, 'stop'>> {
  const postgres = installed(await startPostgres(), 'postgresql', undo, (one) => one.stop())
  const redis = installed(await startRedis(), 'redis-server', undo, (one) => one.stop())
  const env = {
    ...ENV,
    ...more,
    DATABASE_URL: postgres.url,
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    TRUSTED_PROXIES: '127.0.0.1/32',
  }
  const system = await startPrivateSystem({ env, only: ['admin', 'state', 'gateway'] })
  undo.push(() => system.stop())
  const first = system.process('gateway')
  const second = await startSecondGateway(system, env)
  undo.push(() => second.end())
  const gateways: Stage['gateways'] = [first, second]
  const state = system.process('state')
  const nginx = installed(await balancer(gateways, state), 'nginx-light', undo, (one) => one.stop())
  return { state, gateways, redis, url: nginx.url }
}

export interface StageOptions {
  balancer?: Balancer
  env?: Readonly<Record<string, string>>
}

/** On SQLite one gateway; on PostgreSQL two with Redis behind an nginx. */
export async function startStage(
  store: Store,
  { balancer = forSockets, env = {} }: StageOptions = {},
): Promise<Stage> {
  const undo: Undo = []
  const stop = async (): Promise<void> => {
    for (const one of undo.splice(0).toReversed()) await one()
  }
  try {
    if (store === 'postgres') return { ...(await startReplicated(undo, balancer, env)), stop }
    const system = await startPrivateSystem({
      env: { ...ENV, ...env },
      only: ['admin', 'state', 'gateway'],
    })
    undo.push(() => system.stop())
    const gateway = system.process('gateway')
    const state = system.process('state')
    return { state, gateways: [gateway], redis: undefined, url: gateway.url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

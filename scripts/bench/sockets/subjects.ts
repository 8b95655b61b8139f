import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { call, login } from '../../system/api.ts'
import { openInspector } from '../../system/inspector.ts'
import { createManagedProcess, type ManagedProcess } from '../../system/managed-process.ts'
import { freePorts } from '../../system/ports.ts'
import { startPrivateSystem } from '../../system/private-system.ts'

const LIMITS = {
  MAX_BOT_MODE: 'off',
  EXTERNAL_DB_URL: '',
  THROTTLE_LIMIT: '1000000',
  WS_CONNECTIONS_PER_IP: '10000',
  WS_CONNECTIONS_PER_USER: '10000',
}

export interface Subject {
  name: string
  url: string
  /** For the handshake. */
  token: string
  /** Makes one change that everybody is told of. */
  change: (n: number) => Promise<void>
  /** Resident memory after a garbage collection, KiB. */
  memory: () => Promise<number>
}

async function post(url: string, headers: Record<string, string>, json: unknown): Promise<void> {
  const { status } = await call(url, { method: 'POST', headers, json })
  if (status >= 300) throw new Error(`${url}: ${status}`)
}

/** The process again, with an ear for {@link openInspector}. */
async function inspected(process: ManagedProcess, env: Record<string, string>) {
  const [port = 0] = await freePorts(1)
  const again = createManagedProcess({
    service: process.service,
    env: { ...env, NODE_OPTIONS: `--inspect=127.0.0.1:${port}` },
  })
  await again.start()
  const inspector = await openInspector(port)
  return {
    process: again,
    async memory(): Promise<number> {
      await inspector.heap()
      const status = await readFile(`/proc/${again.pid}/status`, 'utf8')
      return Number(/^VmRSS:\s+(\d+) kB/mu.exec(status)?.[1]) || Number.NaN
    },
    async end(): Promise<void> {
      inspector.close()
      await again.end()
    },
  }
}

/** Our gateway with its services, and Socket.IO as it comes. */
export async function startSubjects() {
  const environment = { PATH: process.env['PATH'] ?? '', LOG_FORMAT: 'json', LOG_LEVEL: 'warn' }
  const system = await startPrivateSystem({ env: LIMITS, only: ['admin', 'state', 'gateway'] })
  await system.process('gateway').end()
  const [port = 0] = await freePorts(1)
  const bareService = {
    ...system.process('gateway').service,
    title: 'bare Socket.IO',
    port,
    entry: fileURLToPath(new URL('../servers/bare-socket-io.js', import.meta.url)),
    readinessPath: '/',
  }
  const gateway = await inspected(system.process('gateway'), { ...environment, ...LIMITS })
  const bare = await inspected(createManagedProcess({ service: bareService, env: {} }), environment)
  const payload = (n: number) => ({ title: `Задача ${n}`, assignee: 'user_789', priority: 'high' })
  const ours: Subject = {
    name: 'gateway',
    url: gateway.process.url,
    token: (await login(gateway.process.url)).token,
    memory: () => gateway.memory(),
    change: (n) =>
      post(
        `${system.url('state')}/api/v1/states/task`,
        { 'x-api-key': 'gateway-service-key' },
        { entityId: `bench_${n}`, status: 'created', metadata: payload(n) },
      ),
  }
  const baseline: Subject = {
    name: 'bare Socket.IO',
    url: bare.process.url,
    token: '',
    memory: () => bare.memory(),
    change: (n) =>
      post(
        `${bare.process.url}/emit`,
        {},
        {
          cursor: `e.${n}`,
          eventId: `evt_${n}`,
          entity: 'task',
          id: `bench_${n}`,
          previousStatus: null,
          newStatus: 'created',
          metadata: payload(n),
          version: 1,
          actor: 'service:gateway',
          timestamp: new Date().toISOString(),
        },
      ),
  }
  return {
    ours,
    baseline,
    async stop(): Promise<void> {
      await gateway.end()
      await bare.end()
      await system.stop()
    },
  }
}

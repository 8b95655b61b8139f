import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { call, login } from '../../system/api.ts'
import { createManagedProcess, type ManagedProcess } from '../../system/managed-process.ts'
import { freePorts } from '../../system/ports.ts'
import { startPrivateSystem } from '../../system/private-system.ts'

const entry = (name: string): string =>
  fileURLToPath(new URL(`../servers/${name}.js`, import.meta.url))

/**
 * Logs are written as in production, to a pipe that the harness drains, for ours and baseline alike. No external DB: what
 * is measured is the state service, not admin beside it.
 */
const ENV = {
  LOG_LEVEL: 'info',
  LOG_FORMAT: 'json',
  THROTTLE_LIMIT: '1000000',
  EXTERNAL_DB_URL: '',
}

function baseline(name: string, port: number, readinessPath: string, env: Record<string, string>) {
  return createManagedProcess({
    // The names of services belong to the system; a baseline only borrows the shape.
    service: {
      name: 'state',
      title: name,
      port,
      variable: 'PORT',
      entry: entry(name),
      env,
      readinessPath,
    },
    env: { PATH: process.env['PATH'], ...ENV },
  })
}

async function seed(state: string): Promise<void> {
  const { status } = await call(`${state}/api/v1/states/process`, {
    method: 'POST',
    headers: { 'x-api-key': 'gateway-service-key' },
    json: { entityId: 'bench_reader', status: 'running', metadata: { name: 'импорт' } },
  })
  if (status !== 201) throw new Error(`The state to read could not be made: ${status}`)
}

/** The system under test, its baselines, a token, and one state to read. */
export async function startSubjects() {
  const system = await startPrivateSystem({ env: ENV })
  const [emptyPort = 0, passPort = 0] = await freePorts(2)
  const dataDir = await mkdtemp(join(tmpdir(), 'potok-empty-'))
  const empty = baseline('empty-route', emptyPort, '/health/liveness', { POTOK_DATA_DIR: dataDir })
  const passThrough = baseline('pass-through', passPort, '/health/liveness', {
    UPSTREAM: system.url('state'),
    UPSTREAM_KEY: 'gateway-service-key',
  })
  const started: ManagedProcess[] = [empty, passThrough]
  await Promise.all(started.map((one) => one.start()))
  await seed(system.url('state'))
  return {
    state: system.process('state'),
    gateway: system.process('gateway'),
    empty,
    passThrough,
    token: (await login(system.url('gateway'))).token,
    async stop(): Promise<void> {
      await Promise.all(started.map((one) => one.end()))
      await system.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export type Subjects = Awaited<ReturnType<typeof startSubjects>>

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@potok/core/testing/postgres-server'
import { createManagedProcess, type ManagedProcess } from '../system/managed-process.ts'
import { freePorts } from '../system/ports.ts'
import { services, type Service } from '../system/services.ts'
import type { Store } from './torture.ts'

const REPLICAS = { sqlite: 1, postgres: 2 } as const

function stateService(port: number, dataDir: string): Service {
  const all = services({
    ADMIN_PORT: 1,
    GATEWAY_PORT: 1,
    STATE_PORT: port,
    TASK_PORT: 1,
    MAX_SIMULATOR_PORT: 1,
    POTOK_DATA_DIR: dataDir,
  })
  const state = all.find(({ name }) => name === 'state')
  if (state === undefined) throw new Error('There is no state service')
  // No services beside it: what is away only fills the log.
  const env = { ...state.env, EXTERNAL_DB_URL: '', DISCOVERY_SERVICES: '' }
  return { ...state, env, title: `State service :${port}` }
}

function atLeastOne<T>(values: readonly T[]): [T, ...T[]] {
  const [first, ...rest] = values
  if (first === undefined) throw new Error('There is no replica')
  return [first, ...rest]
}

/** State processes over one store: one on SQLite, two on a PostgreSQL of their own, unless another number is asked for. */
export async function startReplicas(
  store: Store,
  env: Readonly<Record<string, string>> = {},
  count: number = REPLICAS[store],
) {
  const dataDir = await mkdtemp(join(tmpdir(), 'potok-torture-'))
  const postgres = store === 'postgres' ? await startPostgres() : undefined
  if (store === 'postgres' && postgres === undefined) {
    throw new Error('There is no PostgreSQL here: apt-get install postgresql')
  }
  const ports = await freePorts(count)
  const processes: ManagedProcess[] = ports.map((port) =>
    createManagedProcess({
      service: stateService(port, dataDir),
      env: {
        PATH: process.env['PATH'],
        LOG_LEVEL: 'warn',
        LOG_FORMAT: 'json',
        ...(postgres === undefined ? {} : { DATABASE_URL: postgres.url }),
        ...env,
      },
    }),
  )
  await Promise.all(processes.map((one) => one.start()))
  return {
    dataDir,
    /** Undefined: SQLite in `dataDir`. */
    postgres,
    processes: atLeastOne(processes),
    urls: atLeastOne(processes.map(({ url }) => url)),
    async stop(): Promise<void> {
      await Promise.all(processes.map((one) => one.end()))
      await postgres?.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export type Replicas = Awaited<ReturnType<typeof startReplicas>>

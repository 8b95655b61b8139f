import { createManagedProcess, type ManagedProcess } from '../../scripts/system/managed-process.ts'
import { freePorts } from '../../scripts/system/ports.ts'
import { services, type Service } from '../../scripts/system/services.ts'
import { startPostgres } from '@potok/core/testing/postgres-server'
import { productionEnvironment } from './production-environment.ts'

/** Admin, state and two gateways over one PostgreSQL, as in production, each on a free port of the loopback. */
export async function startTwoGateways(env: Readonly<Record<string, string>> = {}) {
  const postgres = await startPostgres({ fsync: false })
  if (postgres === undefined) throw new Error('There is no PostgreSQL: apt-get install postgresql')
  const [admin = 0, state = 0, first = 0, second = 0] = await freePorts(4)
  const all = (gateway: number): Service[] =>
    services({
      ADMIN_PORT: admin,
      GATEWAY_PORT: gateway,
      STATE_PORT: state,
      TASK_PORT: 1,
      MAX_SIMULATOR_PORT: 1,
      POTOK_DATA_DIR: '/nonexistent',
      MAX_BOT_TOKEN: '',
    })
  const chosen = [...all(first), ...all(second).filter(({ name }) => name === 'gateway')]
  const processes: ManagedProcess[] = chosen.map((service) =>
    createManagedProcess({
      service,
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: postgres.url,
        DATABASE_POOL_SIZE: '5',
        WEBHOOK_ALLOWED_TARGETS: `http://127.0.0.1:${service.port}`,
        NODE_ENV: 'production',
        ...productionEnvironment,
        ...env,
      },
    }),
  )
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map((one) => one.end()))
    await postgres.stop()
  }
  try {
    await Promise.all(processes.map((one) => one.start()))
  } catch (error) {
    await stop()
    throw error
  }
  const named = (name: Service['name']): ManagedProcess[] =>
    processes.filter(({ service }) => service.name === name)
  return { postgres, named, stop }
}

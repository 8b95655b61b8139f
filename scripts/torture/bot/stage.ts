import { randomBytes } from 'node:crypto'
import { startPostgres } from '@potok/core/testing/postgres-server'
import { createManagedProcess, type ManagedProcess } from '../../system/managed-process.ts'
import { freePorts } from '../../system/ports.ts'
import { startPrivateSystem } from '../../system/private-system.ts'
import type { Store } from '../torture.ts'

/** Seconds of the platform in one of ours: what a killed gateway did not take comes again after one second. */
const TIME_SCALE = '60'

/** A whole system around a simulated MAX: one gateway on SQLite, two on a PostgreSQL of their own. */
export async function startStage(store: Store) {
  const postgres = store === 'postgres' ? await startPostgres() : undefined
  if (store === 'postgres' && postgres === undefined) {
    throw new Error('There is no PostgreSQL here: apt-get install postgresql')
  }
  const env = {
    LOG_LEVEL: 'warn',
    TIME_SCALE,
    MAX_BOT_WEBHOOK_SECRET: randomBytes(16).toString('hex'),
    ...(postgres === undefined ? {} : { DATABASE_URL: postgres.url }),
  }
  const system = await startPrivateSystem({ env })
  const first = system.process('gateway')
  const gateways = postgres === undefined ? [first] : [first, await secondGateway(first, env)]
  return {
    gateways,
    simulator: system.url('simulator'),
    state: system.url('state'),
    async stop(): Promise<void> {
      await Promise.all(gateways.map((one) => one.end()))
      await system.stop()
      await postgres?.stop()
    },
  }
}

export type Stage = Awaited<ReturnType<typeof startStage>>

/** The same process at another port: the platform tells both of every update. */
async function secondGateway(
  { service }: ManagedProcess,
  env: Readonly<Record<string, string>>,
): Promise<ManagedProcess> {
  const [port = 0] = await freePorts(1)
  const origin = `http://127.0.0.1:${port}`
  const second = createManagedProcess({
    service: {
      ...service,
      port,
      title: 'Second gateway',
      env: { ...service.env, MAX_BOT_WEBHOOK_URL: `${origin}/api/v1/bot/webhook`, ...env },
    },
    env: { PATH: process.env['PATH'], LOG_FORMAT: 'json', GATEWAY_INTERNAL_URL: origin, ...env },
  })
  await second.start()
  return second
}

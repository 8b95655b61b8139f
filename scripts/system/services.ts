import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import type { LauncherConfig } from './config.ts'
import { root } from './root.ts'

/** One process of the system: what to run, with which variables, and how to know that it is ready. */
export interface Service {
  name: 'admin' | 'state' | 'gateway' | 'simulator'
  title: string
  port: number
  /** The variable that moves the port. */
  variable: string
  /** Path of the built entry point. */
  entry: string
  /** Arguments of the entry point. */
  args?: readonly string[]
  env: Record<string, string>
  readinessPath: string
}

/** `npm run start:prod` of one service. */
export const productionEntry = resolve(root, 'scripts', 'dist', 'production', 'main.js')
const entry = (name: string): string => resolve(root, 'packages', name, 'dist', 'main.js')
const at = (port: number): string => `http://127.0.0.1:${port}`

/** The MAX simulator, which stands in for the platform when there is no token. */
function simulatorService(config: LauncherConfig): Service {
  return {
    name: 'simulator',
    title: 'MAX simulator',
    port: config.MAX_SIMULATOR_PORT,
    variable: 'MAX_SIMULATOR_PORT',
    entry: entry('max-simulator'),
    env: { MAX_SIMULATOR_TOKEN: 'simulator-token' },
    readinessPath: '/',
  }
}

/** The variables that point the gateway's bot at the simulator. */
function simulatedBot(config: LauncherConfig): Record<string, string> {
  return {
    MAX_BOT_TOKEN: 'simulator-token',
    MAX_API_BASE_URL: at(config.MAX_SIMULATOR_PORT),
    MAX_BOT_MODE: 'webhook',
    MAX_BOT_WEBHOOK_URL: `${at(config.GATEWAY_PORT)}/api/v1/bot/webhook`,
    MAX_BOT_WEBHOOK_SECRET: randomBytes(16).toString('hex'),
  }
}

/** Everything `npm start` runs, in the order in which it is started. */
export function services(config: LauncherConfig): Service[] {
  const data = { POTOK_DATA_DIR: resolve(config.POTOK_DATA_DIR) }
  const simulated = config.MAX_BOT_TOKEN === undefined
  return [
    ...(simulated ? [simulatorService(config)] : []),
    {
      name: 'admin',
      title: 'Admin service',
      port: config.ADMIN_PORT,
      variable: 'ADMIN_PORT',
      entry: entry('admin'),
      env: data,
      readinessPath: '/health/readiness',
    },
    {
      name: 'state',
      title: 'State service',
      port: config.STATE_PORT,
      variable: 'STATE_PORT',
      entry: entry('state'),
      env: {
        ...data,
        EXTERNAL_DB_URL: at(config.ADMIN_PORT),
        DISCOVERY_SERVICES: `gateway=${at(config.GATEWAY_PORT)}`,
      },
      readinessPath: '/health/readiness',
    },
    {
      name: 'gateway',
      title: 'Gateway',
      port: config.GATEWAY_PORT,
      variable: 'GATEWAY_PORT',
      entry: entry('gateway'),
      env: {
        ...data,
        ADMIN_SERVICE_URL: at(config.ADMIN_PORT),
        STATE_SERVICE_URL: at(config.STATE_PORT),
        ...(simulated ? simulatedBot(config) : {}),
      },
      readinessPath: '/api/v1/health/readiness',
    },
  ]
}

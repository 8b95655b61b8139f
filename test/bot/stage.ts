import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { HistoryEntry, pageOf, State } from '@potok/contracts/state'
import { User } from '@potok/contracts/user'
import { readConfig } from '@potok/core/config'
import { createLogger } from '@potok/core/logging'
import { createServer } from '@potok/core/server'
import { createParser } from '@potok/core/validation'
import { Config as GatewayConfig } from '@potok/gateway/config'
import { buildSimulator } from '@potok/max-simulator/app'
import access from '../../packages/gateway/src/access/index.ts'
import auth from '../../packages/gateway/src/auth/index.ts'
import bot, { type BotLimits } from '../../packages/gateway/src/bot/index.ts'
import notifications from '../../packages/gateway/src/notifications/index.ts'
import notifier from '../../packages/gateway/src/notifier/index.ts'
import {
  authOptions,
  serverOptions,
  storeOptions,
  upstreamsOptions,
  notificationsOptions,
} from '../../packages/gateway/src/plugin-options.ts'
import store from '../../packages/gateway/src/store/index.ts'
import upstreams from '../../packages/gateway/src/upstreams/index.ts'
import { startPrivateSystem } from '../../scripts/system/private-system.ts'
import { createPerson } from './person.ts'
import { ask, createService, HOST, type App } from './services.ts'

export const SECRET = 'stage-secret'
const TOKEN = 'stage-token'

const logger = createLogger({
  APP_NAME: 'stage',
  LOG_LEVEL: process.env['STAGE_LOG'] === undefined ? 'silent' : 'debug',
  LOG_FORMAT: 'json',
})

const parseState = createParser(State)
const parseStates = createParser(pageOf(State))
const parseHistory = createParser(pageOf(HistoryEntry))
const parseUser = createParser(User)
const parseUsers = createParser(pageOf(User))

/** Quick where production is patient, so that tests wait for nothing. */
const QUICK: Partial<BotLimits> = {
  queuePollMs: 50,
  noticeQuietMs: 60,
  noticePatienceMs: 1000,
  watchMs: 200,
  pollPauseMs: 10,
  pollLeaseMs: 2000,
  personFreshMs: 1000,
  perChatSecond: 1000,
  overallSecond: 10_000,
}

export interface StageOptions {
  limits?: Partial<BotLimits>
  mode?: 'webhook' | 'polling'
  /** Do the platform's own rate limits hold? Off unless a test is about them. */
  rateLimits?: boolean
  /** Of the platform: seconds of its retries in one of ours. Default 60. */
  timeScale?: number
  /** Of the gateways; needed for more than one. */
  databaseUrl?: string
  gateways?: number
}

/** State and admin as built, a simulated MAX and the bot in this process: real HTTP between them, each can be taken away. */
export async function setStage(options: StageOptions = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'potok-bot-'))
  const { app: max, platform } = await buildSimulator({
    token: TOKEN,
    rateLimits: options.rateLimits ?? false,
    timeScale: options.timeScale ?? 60,
    bounds: { requestLog: 1000 },
  })
  const maxUrl = await max.listen({ host: HOST, port: 0 })
  const system = await startPrivateSystem({ only: ['admin', 'state'] })
  const [admin, state] = [system.process('admin'), system.process('state')]
  const config = readConfig(GatewayConfig, {
    POTOK_DATA_DIR: dataDir,
    ADMIN_SERVICE_URL: admin.url,
    STATE_SERVICE_URL: state.url,
    CIRCUIT_BREAKER_TIMEOUT: '300',
    ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
  })
  const gateways = Array.from({ length: options.gateways ?? 1 }, () =>
    createService((port) => buildGateway(config, { ...options, maxUrl, port })),
  )
  for (const gateway of gateways) await gateway.up()
  await vi.waitFor(() => {
    const { length } = platform.subscriptions.list()
    if (length < (options.mode === 'polling' ? 0 : gateways.length)) throw new Error('waiting')
  })
  const [gateway] = gateways
  if (gateway === undefined) throw new Error('A stage needs a gateway')
  return {
    platform,
    admin,
    state,
    gateway,
    gateways,
    config,
    ...questions(state, admin),
    person: (userId: number) => createPerson(platform, userId),
    /** @throws Error what was said on either side does not fit the description of the Bot API */
    async close(): Promise<void> {
      const { checked } = platform.conformance
      const violations = platform.conformance.violations()
      await Promise.all(gateways.map((one) => one.down()))
      await Promise.all([system.stop(), max.close()])
      await rm(dataDir, { recursive: true, force: true })
      if (checked === 0 || violations.length > 0) {
        throw new Error(`${checked} checked, wrong: ${JSON.stringify(violations, null, 1)}`)
      }
    },
  }
}

export type Stage = Awaited<ReturnType<typeof setStage>>

async function buildGateway(
  config: GatewayConfig,
  options: StageOptions & { maxUrl: string; port: number },
): Promise<App> {
  const app = await createServer({ ...serverOptions(config), logger })
  await app.register(store, storeOptions(config))
  await app.register(upstreams, upstreamsOptions(config))
  await app.register(auth, authOptions(config))
  await app.register(access)
  await app.register(notifications, notificationsOptions(config))
  await app.register(bot, {
    token: TOKEN,
    baseUrl: options.maxUrl,
    mode: options.mode ?? 'webhook',
    webhookUrl: `http://${HOST}:${options.port}/api/v1/bot/webhook`,
    webhookSecret: SECRET,
    limits: { ...QUICK, ...options.limits },
  })
  await app.register(notifier, {
    internalUrl: `http://${HOST}:${options.port}`,
    checkEveryMs: 1000,
  })
  return app
}

/** What a test asks the services directly. */
function questions({ url: state }: { url: string }, { url: admin }: { url: string }) {
  const tasks = '/api/v1/states/task'
  return {
    /** Changes a task as somebody of the dashboard would. */
    change: (id: string, json: object, userId: string): Promise<State> =>
      ask(`${state}${tasks}/${id}`, parseState, {
        method: 'PATCH',
        json,
        headers: { 'x-actor': `user:${userId}` },
      }),
    /** One status after another, in one transaction: no machine is so busy that it looks quiet in between. */
    changeMany: (id: string, statuses: readonly string[], userId: string): Promise<unknown> =>
      ask(`${state}/api/v1/states/batch`, (value) => value, {
        method: 'POST',
        json: {
          mode: 'atomic',
          operations: statuses.map((status) => ({
            op: 'patch',
            entity: 'task',
            entityId: id,
            status,
          })),
        },
        headers: { 'x-actor': `user:${userId}` },
      }),
    create: (id: string, json: object, userId: string): Promise<State> =>
      ask(`${state}${tasks}`, parseState, {
        method: 'POST',
        json: { entityId: id, ...json },
        headers: { 'x-actor': `user:${userId}` },
      }),
    remove: (id: string): Promise<unknown> =>
      ask(`${state}${tasks}/${id}`, (value) => value, { method: 'DELETE' }),
    task: (id: string): Promise<State> => ask(`${state}${tasks}/${id}`, parseState),
    tasks: async (): Promise<State[]> =>
      (await ask(`${state}${tasks}?limit=500&sort=createdAt`, parseStates)).items,
    history: async (id: string): Promise<HistoryEntry[]> =>
      (await ask(`${state}${tasks}/${id}/history?order=asc&limit=100`, parseHistory)).items,
    async user(maxUserId: number): Promise<User> {
      const url = `${admin}/api/v1/users?maxUserId=${maxUserId}`
      const [user] = (await ask(url, parseUsers)).items
      if (user === undefined) throw new Error(`Nobody has the MAX account ${maxUserId}`)
      return user
    },
    changeUser: (id: string, json: object): Promise<User> =>
      ask(`${admin}/api/v1/users/${id}`, parseUser, { method: 'PATCH', json }),
  }
}

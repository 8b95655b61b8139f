import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pino } from 'pino'
import { vi } from 'vitest'
import { buildApp as buildAdmin } from '@potok/admin/app'
import { Config as AdminConfig } from '@potok/admin/config'
import type { EventLogItem } from '@potok/contracts/event'
import type { HistoryEntry, Page, State } from '@potok/contracts/state'
import { readConfig } from '@potok/core/config'
import { createServer } from '@potok/core/server'
import { Config as GatewayConfig } from '@potok/gateway/config'
import { buildSimulator, type Simulator } from '@potok/max-simulator/app'
import { buildApp as buildState } from '@potok/state/app'
import { Config as StateConfig } from '@potok/state/config'
import auth from '../../packages/gateway/src/auth/index.ts'
import bot, { type BotLimits } from '../../packages/gateway/src/bot/index.ts'
import {
  authOptions,
  serverOptions,
  storeOptions,
  upstreamsOptions,
} from '../../packages/gateway/src/plugin-options.ts'
import store from '../../packages/gateway/src/store/index.ts'
import upstreams from '../../packages/gateway/src/upstreams/index.ts'

export const ANNA = 501_001_001
export const BORIS = 501_001_002
const SECRET = 'stage-secret'
const TOKEN = 'stage-token'
const HOST = '127.0.0.1'

const logger = pino({ level: process.env['STAGE_LOG'] ?? 'silent' })

type App = Awaited<ReturnType<typeof createServer>>

/** Quick where production is patient, so that tests wait for nothing. */
const QUICK: Partial<BotLimits> = {
  queuePollMs: 50,
  noticeQuietMs: 60,
  noticePatienceMs: 1000,
  watchMs: 200,
  pollPauseMs: 10,
  pollLeaseMs: 2000,
  personFreshMs: 1000,
}

export interface StageOptions {
  limits?: Partial<BotLimits>
  mode?: 'webhook' | 'polling'
  /** Do the platform's own rate limits hold? Off unless a test is about them. */
  rateLimits?: boolean
  databaseUrl?: string
}

/** State, admin, a simulated MAX and the bot, in this process: real HTTP between them, each can be taken away. */
export async function setStage(options: StageOptions = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'potok-bot-'))
  const { app: max, platform } = await buildSimulator({
    token: TOKEN,
    rateLimits: options.rateLimits ?? false,
    timeScale: 60,
  })
  const maxUrl = await max.listen({ host: HOST, port: 0 })
  const common = { POTOK_DATA_DIR: dataDir, PORT: '0' }
  const admin = createService(() => buildAdmin(readConfig(AdminConfig, common), logger))
  const state = createService(() => buildState(readConfig(StateConfig, common), logger))
  await Promise.all([admin.up(), state.up()])

  const config = readConfig(GatewayConfig, {
    ...common,
    ADMIN_SERVICE_URL: admin.url(),
    STATE_SERVICE_URL: state.url(),
    CIRCUIT_BREAKER_TIMEOUT: '300',
    ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
  })

  async function buildGateway(port: number): Promise<App> {
    const app = await createServer({ ...serverOptions(config), logger })
    await app.register(store, storeOptions(config))
    await app.register(upstreams, upstreamsOptions(config))
    await app.register(auth, authOptions(config))
    await app.register(bot, {
      token: TOKEN,
      baseUrl: maxUrl,
      mode: options.mode ?? 'webhook',
      webhookUrl: `http://${HOST}:${port}/api/v1/bot/webhook`,
      webhookSecret: SECRET,
      limits: { ...QUICK, ...options.limits },
    })
    return app
  }
  const gateway = createService(buildGateway)
  await gateway.up()
  if (options.mode !== 'polling') {
    await vi.waitFor(() => {
      if (platform.subscriptions.list().length === 0) throw new Error('not subscribed')
    })
  }
  const pump = startPump(state.url, () => gateway.app())

  const stage = {
    platform,
    max,
    admin,
    state,
    gateway,
    config,
    ask: (service: Service, path: string, init: RequestInit = {}) => ask(service.url(), path, init),
    async task(id: string): Promise<State> {
      return (await ask(state.url(), `/api/v1/states/task/${id}`)) as State
    },
    async tasks(): Promise<State[]> {
      return ((await ask(state.url(), '/api/v1/states/task?limit=500')) as Page<State>).items
    },
    async history(id: string): Promise<HistoryEntry[]> {
      const path = `/api/v1/states/task/${id}/history?order=asc&limit=100`
      return ((await ask(state.url(), path)) as Page<HistoryEntry>).items
    },
    person: (userId: number) => createPerson(platform, userId),
    async close(): Promise<void> {
      await pump.close()
      await gateway.down()
      await Promise.all([admin.down(), state.down(), max.close()])
      await rm(dataDir, { recursive: true, force: true })
    },
  }
  return stage
}

export type Stage = Awaited<ReturnType<typeof setStage>>
export type Service = ReturnType<typeof createService>

/** A process that can go away and come back at the same address. */
function createService(build: (port: number) => Promise<App>) {
  let running: App | undefined
  let port = 0
  return {
    async up(): Promise<void> {
      if (port === 0) port = await freePort()
      running = await build(port)
      await running.listen({ host: HOST, port })
    },
    async down(): Promise<void> {
      await running?.close()
      running = undefined
    },
    app(): App | undefined {
      return running
    },
    url: () => `http://${HOST}:${port}`,
  }
}

async function freePort(): Promise<number> {
  const { createServer: listen } = await import('node:net')
  return new Promise((resolve, reject) => {
    const server = listen()
    server.once('error', reject)
    server.listen(0, HOST, () => {
      const address = server.address()
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      )
    })
  })
}

async function ask(origin: string, path: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(`${origin}${path}`, {
    ...init,
    headers: {
      'x-api-key': 'gateway-service-key',
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(init.headers as Record<string, string> | undefined),
    },
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.status === 204 ? undefined : response.json()
}

/** Stands for the webhook: gives the bot each event of the log until it has taken it, as the state service does. */
function startPump(origin: () => string, gateway: () => App | undefined) {
  const closing = new AbortController()
  let cursor: string | undefined
  async function step(): Promise<void> {
    const after = cursor === undefined ? '' : `?after=${cursor}`
    const page = (await ask(origin(), `/api/v1/events${after}`)) as Page<EventLogItem>
    for (const item of page.items) {
      const app = gateway()
      if (app === undefined) return
      const { cursor: position, ...event } = item
      if (event.event !== 'custom.event') {
        await app.bot.notifyTaskEvent(event, event.data.correlationId)
      }
      cursor = position
    }
  }
  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      // A service that is away is what half of the tests are about.
      await step().catch(() => undefined)
      await pause(15, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }
  const running = run()
  return {
    async close(): Promise<void> {
      closing.abort()
      await running
    },
  }
}

/** Somebody in the simulated MAX. */
function createPerson(platform: Simulator['platform'], userId: number) {
  const dialog = (): number => platform.chats.dialog(userId).chatId
  const ofBot = (chatId: number) =>
    platform.messages
      .inChat(chatId)
      .filter(({ senderId }) => senderId === platform.bot.userId)
      .map((message) => ({
        mid: message.mid,
        text: message.content.text ?? '',
        source: message.content.source?.text ?? message.content.text ?? '',
        edited: message.editedAt !== undefined,
        buttons: (message.content.attachments ?? []).flatMap((attachment) =>
          attachment.type === 'inline_keyboard'
            ? attachment.payload.buttons.flat().map((button) => ({
                text: button.text,
                payload: 'payload' in button ? String(button.payload) : '',
              }))
            : [],
        ),
      }))
  const person = {
    userId,
    dialog,
    start: (payload?: string): void => {
      platform.dialogs.start(userId, payload)
    },
    write: (text: string, chatId?: number) => platform.writing.write(userId, { text, chatId }),
    press: (text: string, wanted: { mid?: string; chatId?: number } = {}) =>
      platform.press(userId, { text, ...wanted }),
    pressPayload: (payload: string, wanted: { mid?: string; chatId?: number } = {}) =>
      platform.press(userId, { payload, ...wanted }),
    /** What the bot said in the chat, oldest first. */
    heard: (chatId = dialog()) => ofBot(chatId),
    /** Waits for a message of the bot that fits, the newest first. */
    async hears(pattern: RegExp | string, chatId = dialog(), after = 0) {
      return vi.waitFor(
        () => {
          const messages = ofBot(chatId).slice(after)
          const found = messages.findLast(({ text }) =>
            typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text),
          )
          if (found === undefined) {
            throw new Error(`Nobody said ${pattern}. Said: ${JSON.stringify(messages, null, 1)}`)
          }
          return found
        },
        { timeout: 8000, interval: 10 },
      )
    },
  }
  return person
}

export type Person = ReturnType<typeof createPerson>

import { createServer as listen } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { EventLogItem } from '@potok/contracts/event'
import { pageOf } from '@potok/contracts/state'
import type { createServer } from '@potok/core/server'
import { createParser } from '@potok/core/validation'

export const HOST = '127.0.0.1'
export type App = Awaited<ReturnType<typeof createServer>>

const parseEvents = createParser(pageOf(EventLogItem))

export type Service = ReturnType<typeof createService>

/** A process that can go away and come back at the same address. */
export function createService(build: (port: number) => Promise<App>) {
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

/** Asks a service as the gateway would. */
export async function ask<T>(
  url: string,
  parse: (value: unknown) => T,
  init: { method?: string; json?: unknown; headers?: Record<string, string> } = {},
): Promise<T> {
  const { method = 'GET', json, headers = {} } = init
  const response = await fetch(url, {
    method,
    headers: {
      'x-api-key': 'gateway-service-key',
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return parse(response.status === 204 ? undefined : await response.json())
}

/** Stands for the webhook: gives the bot each event of the log until it has taken it, as the state service does. */
export function startPump(origin: string, gateway: () => App | undefined) {
  const closing = new AbortController()
  let cursor: string | undefined
  async function step(): Promise<void> {
    const after = cursor === undefined ? '' : `?after=${cursor}`
    const page = await ask(`${origin}/api/v1/events${after}`, parseEvents)
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

import { createServer as listen } from 'node:net'
import type { createServer } from '@potok/core/server'

export const HOST = '127.0.0.1'
export type App = Awaited<ReturnType<typeof createServer>>

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

import { Writable } from 'node:stream'
import { dirname } from 'node:path'
import { onTestFinished } from 'vitest'
import apiKey from '@potok/core/api-key'
import { readConfig } from '@potok/core/config'
import { createLogger } from '@potok/core/logging'
import { createServer } from '@potok/core/server'
import type { TestStore } from '@potok/core/testing/databases'
import { Config } from '../config.ts'
import events from '../events/index.ts'
import idempotency from '../idempotency/index.ts'
import machines from '../machines/index.ts'
import states from '../states/index.ts'
import store from '../store/index.ts'
import { key } from './service.ts'

export interface StateServiceOptions {
  /** From {@link TestStore.place}: two services with one place are replicas. */
  place: Awaited<ReturnType<TestStore['place']>>
  queryTimeoutMs?: number
  /** The sweeper is quiet by default: tests sweep when they mean it. */
  sweepMs?: number
  poolSize?: number
}

/** The service without webhooks over the store of a test, and how to call it. Closed when the test is over. */
export async function createStateService({ place, ...options }: StateServiceOptions) {
  const lines: Record<string, unknown>[] = []
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()))
      done()
    },
  })
  const config = readConfig(Config, { LOG_LEVEL: 'info', LOG_FORMAT: 'json' })
  const app = await createServer({
    config,
    logger: createLogger(config, destination),
    health: { prefix: '/health' },
    metricsPath: '/metrics',
    docs: { path: '/api-docs', title: 'State', description: 'A test', security: 'apiKey' },
  })
  onTestFinished(() => app.close())
  await app.register(apiKey, { keys: config.API_KEYS })
  await app.register(store, {
    url: place.url,
    dataDir: dirname(place.file),
    schema: place.schema,
    poolSize: options.poolSize ?? 10,
    queryTimeoutMs: options.queryTimeoutMs ?? 2000,
  })
  await app.register(idempotency, { retentionMs: 86_400_000 })
  await app.register(events, { retentionDays: 30, maxStreams: 4 })
  await app.register(machines)
  await app.register(states, { metadataLimitBytes: 4096, sweepMs: options.sweepMs ?? 3_600_000 })
  await app.ready()
  return { app, lines, call: callerOf(app) }
}

type App = Awaited<ReturnType<typeof createServer>>
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What came back. `body` is parsed JSON; the tests say what they expect of it. */
export interface Reply {
  status: number
  headers: Record<string, unknown>
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of many shapes
  body: any
}

export function callerOf(app: App) {
  return async (
    method: Method,
    url: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Reply> => {
    const response = await app.inject({
      method,
      url: url.startsWith('/') ? url : `/api/v1/${url}`,
      headers: { ...key, ...headers },
      ...(body === undefined ? {} : { payload: body }),
    })
    const isJson = /json/u.test(String(response.headers['content-type']))
    return {
      status: response.statusCode,
      headers: response.headers,
      body: response.body === '' ? undefined : isJson ? response.json() : response.body,
    }
  }
}

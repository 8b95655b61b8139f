import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import apiKey from '@potok/core/api-key'
import { readConfig } from '@potok/core/config'
import { createLogger } from '@potok/core/logging'
import { createServer } from '@potok/core/server'
import type { TestStore } from '@potok/core/testing/databases'
import { Config } from '../config.ts'
import idempotency from '../idempotency/index.ts'
import store from '../store/index.ts'
import type { StillClock } from './still-clock.ts'

/** The header that a caller of the development defaults sends. */
export const key = { 'x-api-key': 'gateway-service-key' }

export interface ServiceOptions {
  /** From {@link TestStore.place}: two services with one place are replicas. Default: SQLite in a new directory. */
  place?: Awaited<ReturnType<TestStore['place']>>
  /** Directory of the SQLite file, for a service that is started twice. */
  dataDir?: string
  env?: Record<string, string>
  /** The store's clock; default: the one of its machine. */
  clock?: StillClock
}

/** A directory that is removed when the test is over. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'potok-state-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A server with keys and the store, for the plugins under test; closed when the test is over. */
export async function createService({ place, dataDir, env = {}, clock }: ServiceOptions = {}) {
  const config = readConfig(Config, { LOG_LEVEL: 'silent', ...env })
  const app = await createServer({
    config,
    logger: createLogger(config),
    health: { prefix: '/health' },
    metricsPath: '/metrics',
    docs: { path: '/api-docs', title: 'State', description: 'A test', security: 'apiKey' },
  })
  const directory = place === undefined ? (dataDir ?? (await temporaryDirectory())) : undefined
  onTestFinished(() => app.close())
  await app.register(apiKey, { keys: config.API_KEYS })
  await app.register(store, {
    url: place?.url,
    dataDir: directory ?? dirname(place?.file ?? ''),
    ...(place === undefined ? {} : { schema: place.schema }),
    poolSize: 10,
    ...(clock === undefined ? {} : { clockOffsetMs: clock.offsetMs }),
  })
  await app.register(idempotency, { retentionMs: 86_400_000 })
  return { app, config }
}

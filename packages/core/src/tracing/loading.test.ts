import { createRequire } from 'node:module'
import { Type } from '@sinclair/typebox'
import { fastify } from 'fastify'
import { expect, test } from 'vitest'
import { readConfig } from '../config/index.ts'
import { baseConfig } from '../config/schemas.ts'
import tracing from './index.ts'

const Config = Type.Object({
  ...baseConfig,
  PORT: Type.Integer({ default: 0 }),
  APP_NAME: Type.String({ default: 'potok-test' }),
})

const { cache } = createRequire(import.meta.url)
const loaded = (): string[] => Object.keys(cache).filter((path) => path.includes('opentelemetry'))

async function build(env: Record<string, string>) {
  const app = fastify()
  await app.register(tracing, { config: readConfig(Config, env) })
  const isOn = app.tracing !== undefined
  await app.close()
  return isOn
}

test('without a collector nothing of OpenTelemetry is loaded', async () => {
  expect(await build({})).toBe(false)
  expect(loaded()).toEqual([])

  // The same look finds it where it is wanted.
  expect(await build({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })).toBe(true)
  expect(loaded().length).toBeGreaterThan(0)
})

import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '@potok/core/config'
import { createLogger } from '@potok/core/logging'
import { createParser } from '@potok/core/validation'
import { Type, type TSchema } from '@sinclair/typebox'
import { buildApp } from './app.ts'
import { Config } from './config.ts'
import { key, temporaryDirectory } from './testing/service.ts'

async function build(env: Record<string, string> = {}) {
  const config = readConfig(Config, {
    LOG_LEVEL: 'silent',
    POTOK_DATA_DIR: await temporaryDirectory(),
    ...env,
  })
  const app = await buildApp(config, createLogger(config))
  onTestFinished(() => app.close())
  return { app, config }
}

test('on the development defaults the commands of the README work', async () => {
  const { app } = await build()

  const state = await app.inject({
    method: 'POST',
    url: '/api/v1/states/task',
    headers: { 'content-type': 'application/json', ...key },
    payload:
      '{"entityId":"task_123","status":"in_progress","metadata":{"assignee":"user_789","priority":"high"}}',
  })
  const byGateway = await app.inject({
    method: 'POST',
    url: '/api/v1/states/task',
    headers: { 'content-type': 'application/json', ...key },
    payload: '{"entityId":"task_123","status":"completed"}',
  })

  expect(state.statusCode).toBe(201)
  expect(byGateway.json()).toMatchObject({ status: 'completed', version: 2 })
  expect((await app.inject('/health/liveness')).json()).toEqual({ status: 'ok' })
  expect((await app.inject('/health/readiness')).json()).toMatchObject({ ready: true })
  expect((await app.inject('/health')).json()).toMatchObject({
    status: 'ok',
    info: { store: { status: 'up' } },
  })
  expect((await app.inject('/api-docs/json')).json().paths).toHaveProperty(
    '/api/v1/states/{entity}',
  )
})

test('without a key nothing is told', async () => {
  const { app } = await build()

  for (const url of ['/api/v1/states/task', '/api/v1/states/task/a/history', '/api/v1/machines']) {
    expect((await app.inject(url)).json()).toMatchObject({ status: 401, code: 'API_KEY_MISSING' })
  }
})

test('THROTTLE_LIMIT counts by key, and leaves the probes alone', async () => {
  const { app } = await build({ THROTTLE_LIMIT: '2' })
  const ask = (headers: Record<string, string>) => app.inject({ url: '/api/v1/machines', headers })

  const replies = [await ask(key), await ask(key), await ask(key)]

  expect(replies.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429])
  expect(replies[2]?.headers['retry-after']).toBeDefined()
  expect((await ask({ 'x-api-key': 'admin-service-key' })).statusCode).toBe(200)
  expect((await app.inject('/health/liveness')).statusCode).toBe(200)
})

test('a second process on one data directory is refused by name', async () => {
  const { config } = await build()

  await expect(buildApp(config, createLogger(config))).rejects.toMatchObject({
    code: 'DATABASE_IN_USE',
    message: expect.stringContaining('POTOK_DATA_DIR') as string,
  })
})

test('metrics tell how many commits the writes took', async () => {
  const { app } = await build()
  await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      app.inject({
        method: 'POST',
        url: '/api/v1/states/task',
        headers: key,
        payload: { entityId: `t${n}` },
      }),
    ),
  )

  const text = (await app.inject('/metrics')).body

  const valueOf = (name: string) => Number(new RegExp(`^${name} (\\d+)`, 'mu').exec(text)?.[1])
  expect(valueOf('store_writes_total')).toBeGreaterThanOrEqual(8)
  expect(valueOf('store_commits_total')).toBeLessThan(valueOf('store_writes_total'))
  expect(text).toContain('store_write_duration_seconds_count')
})

test('what the restart finds is what was acknowledged', async () => {
  const { app, config } = await build()
  const payload = { entityId: 'task_123', status: 'pending', metadata: { n: 1 } }
  const written = await app.inject({
    method: 'POST',
    url: '/api/v1/states/task',
    headers: key,
    payload,
  })
  await app.close()

  const again = await buildApp(config, createLogger(config))
  onTestFinished(() => again.close())

  const read = await again.inject({ url: '/api/v1/states/task/task_123', headers: key })
  expect(read.json()).toEqual(written.json())
})

/** Their examples are sent by tests of their own, beside them. */
const SHOWN_ELSEWHERE = new Set(['states', 'machines', 'events', 'webhooks'])

interface Media {
  schema: { examples?: unknown[] }
  example?: unknown
  examples?: Record<string, { value: unknown }>
}
interface Operation {
  tags: string[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { content?: Record<string, { schema: TSchema }> }>
}

test('every example of all other routes, sent as it stands, gets the promised answer', async () => {
  const { app } = await build({ EXTERNAL_DB_URL: 'http://127.0.0.1:1' })
  const document = (await app.inject('/api-docs/json')).json() as {
    paths: Record<string, Record<string, Operation>>
    components: object
  }
  const answered: string[] = []

  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { tags, requestBody, responses }] of Object.entries(operations)) {
      if (tags.some((tag) => SHOWN_ELSEWHERE.has(tag))) continue
      const [[type, media] = ['', undefined]] = Object.entries(requestBody?.content ?? {})
      const named = Object.values(media?.examples ?? {}).map(({ value }) => value)
      const examples = [media?.example, ...(media?.schema.examples ?? []), ...named].filter(Boolean)
      expect({ path, method, shown: media === undefined || examples.length > 0 }).toMatchObject({
        shown: true,
      })
      for (const example of media === undefined ? [undefined] : examples) {
        const response = await app.inject({
          method: method === 'post' ? 'POST' : 'GET',
          url: path,
          headers: { ...key, ...(type === '' ? {} : { 'content-type': type }) },
          ...(example === undefined ? {} : { payload: example as object | string }),
        })
        const promised = responses[String(response.statusCode)]
        expect({ path, status: response.statusCode, isPromised: promised !== undefined }).toEqual({
          path,
          status: expect.toSatisfy((status: number) => status < 300) as number,
          isPromised: true,
        })
        const schema = promised?.content?.['application/json']?.schema
        if (schema !== undefined) {
          const { components } = document
          createParser(Type.Unsafe({ ...schema, components }))(response.json())
        }
        answered.push(`${method} ${path}`)
      }
    }
  }

  expect(new Set(answered)).toEqual(
    new Set([
      'get /health',
      'get /health/liveness',
      'get /health/readiness',
      'get /metrics',
      'post /api/v1/cache/invalidate',
      'get /api/v1/external-db',
      'post /api/v1/external-db/replay',
      'get /api/v1/services',
      'get /api/v1/export',
      'post /api/v1/import',
    ]),
  )
})

import { Type } from '@sinclair/typebox'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  postgresService,
  startPostgres,
  type PostgresServer,
} from '@potok/core/testing/postgres-server'
import { describeService } from '@potok/core/testing/services'
import { createParser } from '@potok/core/validation'
import { buildAdmin, type AdminApp } from './testing/admin-app.ts'

type Method = Parameters<AdminApp['call']>[0]
interface Parameter {
  in: 'path' | 'query' | 'header'
  name: string
  example?: unknown
}
/** By media type. */
type Content = Partial<
  Record<string, { schema: object; example?: object; examples?: Record<string, { value: object }> }>
>
interface Operation {
  summary: string
  tags: string[]
  parameters?: Parameter[]
  requestBody?: { content: Content }
  responses: Record<string, { content?: Content }>
}
interface OpenApi {
  paths: Record<string, Record<string, Operation>>
  components: object
}

const METHODS: readonly Method[] = ['POST', 'GET', 'PUT', 'PATCH', 'DELETE']

/** The operations of the document in an order in which things are made before they are read, and removed last. */
function operationsOf({ paths }: OpenApi) {
  return METHODS.flatMap((method) =>
    Object.entries(paths).flatMap(([path, operations]) => {
      const operation = operations[method.toLowerCase()]
      return operation === undefined ? [] : [{ method, path, operation }]
    }),
  )
}

/** The requests that a reader of the document can send: each body, and each query parameter, that has an example. */
function requestsOf(path: string, { parameters = [], requestBody }: Operation) {
  const given = parameters.filter(({ example }) => example !== undefined)
  const url = path.replaceAll(/\{(\w+)\}/gu, (_match, name: string) =>
    encodeURIComponent(
      String(given.find((one) => one.in === 'path' && one.name === name)?.example),
    ),
  )
  const queries = given
    .filter((one) => one.in === 'query')
    .map(({ name, example }) => `?${name}=${encodeURIComponent(String(example))}`)
  const json = requestBody?.content['application/json']
  const bodies = [
    ...(json?.example === undefined ? [] : [json.example]),
    ...Object.values(json?.examples ?? {}).map(({ value }) => value),
  ]
  return requestBody === undefined
    ? ['', ...queries].map((query) => ({ url: url + query }))
    : bodies.map((body) => ({ url, body }))
}

test('every example of the document, sent as it stands, gets the answer that the document promises', async () => {
  const admin = await buildAdmin()
  onTestFinished(() => admin.close())
  const document = (await admin.call('GET', '/api-docs/json')).json<OpenApi>()
  const sent: string[] = []

  for (const { method, path, operation } of operationsOf(document)) {
    const requests = requestsOf(path, operation)
    for (const { url, ...more } of requests) {
      const { statusCode, body, headers } = await admin.call(method, url, more)
      const type = String(headers['content-type'] ?? '').split(';', 1)[0] ?? ''
      const answer: unknown = type === 'application/json' ? JSON.parse(body) : body || null
      const promised = operation.responses[statusCode]
      const schema = promised?.content?.[type]?.schema ?? {}
      const { check } = createParser(Type.Unsafe({ ...schema, components: document.components }))
      sent.push(`${method} ${path}`)
      // All of it in one object, so that a failure names the request.
      expect({
        request: `${method} ${url}`,
        body,
        isGood: statusCode < 300,
        isPromised: type === '' ? promised !== undefined : promised?.content?.[type] !== undefined,
        fitsSchema: check(answer),
      }).toEqual({
        request: `${method} ${url}`,
        body,
        isGood: true,
        isPromised: true,
        fitsSchema: true,
      })
    }
  }

  expect([...new Set(sent)]).toEqual(
    operationsOf(document).map(({ method, path }) => `${method} ${path}`),
  )
})

test('every route of ours says in the document what it is and that it can refuse', async () => {
  const admin = await buildAdmin()
  onTestFinished(() => admin.close())
  const document = (await admin.call('GET', '/api-docs/json')).json<OpenApi>()

  const ours = operationsOf(document).filter(({ path }) => path.startsWith('/api/'))

  expect(ours).toHaveLength(15)
  for (const { operation } of ours) {
    expect(operation).toMatchObject({
      summary: expect.stringMatching(/^[A-Z]/u) as string,
      tags: [expect.any(String) as string],
      responses: { '4XX': expect.any(Object) as object },
    })
  }
})

test('without a key there is nothing to see, but for health, metrics and docs', async () => {
  const admin = await buildAdmin()
  onTestFinished(() => admin.close())
  const status = async (url: string) => (await admin.app.inject({ url })).statusCode

  expect(await status('/api/v1/users')).toBe(401)
  expect(await status('/api/v1/users/@user/settings')).toBe(401)
  expect(await status('/api/v1/db/notes')).toBe(401)
  expect(await status('/health')).toBe(200)
  expect(await status('/health/readiness')).toBe(200)
  expect(await status('/metrics')).toBe(200)
  expect(await status('/api-docs/json')).toBe(200)
})

test('one key that asks too often is told when to come back; other keys, probes and metrics go on', async () => {
  const admin = await buildAdmin({ THROTTLE_LIMIT: '2', THROTTLE_TTL: '30' })
  onTestFinished(() => admin.close())
  const ask = async (key: string) =>
    admin.call('GET', '/api/v1/users', { headers: { 'x-api-key': key } })

  const [first, , third] = [
    await ask('gateway-service-key'),
    await ask('gateway-service-key'),
    await ask('gateway-service-key'),
  ]

  expect(first.headers['ratelimit']).toBe('"default";r=1;t=30')
  expect(third.json()).toMatchObject({ status: 429, code: 'RATE_LIMIT_EXCEEDED' })
  expect(third.headers['retry-after']).toMatch(/^\d+$/u)
  expect((await ask('state-service-key')).statusCode).toBe(200)
  expect((await admin.call('GET', '/health/readiness')).statusCode).toBe(200)
  expect((await admin.call('GET', '/metrics')).statusCode).toBe(200)
})

test('a second process on the same data is refused', async () => {
  const first = await buildAdmin()
  onTestFinished(() => first.close())

  await expect(buildAdmin({ POTOK_DATA_DIR: first.directory })).rejects.toMatchObject({
    code: 'DATABASE_IN_USE',
  })
})

test('what was acknowledged is there after a restart', async () => {
  const first = await buildAdmin()
  await first.call('PUT', '/api/v1/db/notes/n', { body: { text: 'a' } })
  await first.app.close()

  const second = await buildAdmin({ POTOK_DATA_DIR: first.directory })
  onTestFinished(() => second.close())

  expect((await second.call('GET', '/api/v1/db/notes/n')).json()).toEqual({ text: 'a' })
  const people = (await second.call('GET', '/api/v1/users')).json<{ items: object[] }>()
  expect(people.items).toHaveLength(1)
})

describeService(postgresService, 'over one PostgreSQL', () => {
  let server: PostgresServer | undefined
  beforeAll(async () => {
    server = await startPostgres({ fsync: false })
    return () => server?.stop()
  })
  const env = (): Record<string, string> => ({ DATABASE_URL: server?.url ?? '' })

  test('two replicas that start at once make one first person and serve the same people', async () => {
    const replicas = await Promise.all([buildAdmin(env()), buildAdmin(env())])
    onTestFinished(async () => void (await Promise.all(replicas.map((one) => one.close()))))
    const lists = await Promise.all(replicas.map((one) => one.call('GET', '/api/v1/users')))

    const [one, other] = lists.map((list) => list.json<{ items: object[] }>())

    expect(one?.items).toHaveLength(1)
    expect(other).toEqual(one)
    const log = replicas.flatMap(({ lines }) => lines).join('')
    expect(log.match(/first person made/gu)).toHaveLength(1)
  })

  test('two replicas under concurrent writes leave the highest version', async () => {
    const replicas = await Promise.all([buildAdmin(env()), buildAdmin(env())])
    onTestFinished(async () => void (await Promise.all(replicas.map((one) => one.close()))))
    const versions = Array.from({ length: 40 }, (_, n) => ((n * 17) % 40) + 1)

    await Promise.all(
      versions.map((version, n) =>
        replicas[n % 2]?.call('PUT', '/api/v1/db/states/task:t1', { body: { version } }),
      ),
    )

    for (const replica of replicas) {
      expect((await replica.call('GET', '/api/v1/db/states/task:t1')).json()).toEqual({
        version: 40,
      })
    }
  })

  test('while the database is away the answer is 503 with Retry-After, afterwards as before', async () => {
    const admin = await buildAdmin(env())
    onTestFinished(() => admin.close())
    const status = async (url: string) => (await admin.call('GET', url)).statusCode

    await server?.shutDown()
    const away = await admin.call('GET', '/api/v1/users')
    const ready = await status('/health/readiness')
    await server?.start()

    expect(away.json()).toMatchObject({ status: 503, code: 'DATABASE_UNAVAILABLE' })
    expect(away.headers['retry-after']).toMatch(/^\d+$/u)
    expect(ready).toBe(503)
    await vi.waitFor(async () => expect(await status('/api/v1/users')).toBe(200))
    expect(await status('/health/readiness')).toBe(200)
  })
})

describe.each(['LOG_LEVEL=trace', 'LOG_LEVEL=debug'])('with %s', (setting) => {
  test('no password and no hash is ever logged', async () => {
    const admin = await buildAdmin({ LOG_LEVEL: setting.slice('LOG_LEVEL='.length) })
    onTestFinished(() => admin.close())
    const secrets = { a: 'first-secret-1', b: 'second-secret-2', c: 'third-secret-3' }
    const person = { username: 'log', displayName: 'Имя', password: secrets.a }

    await admin.call('POST', '/api/v1/users', { body: person })
    await admin.call('POST', '/api/v1/users/verify', {
      body: { username: 'log', password: secrets.b },
    })
    await admin.call('POST', '/api/v1/users/@log/password', {
      body: { currentPassword: secrets.a, newPassword: secrets.c },
    })
    await admin.call('PATCH', '/api/v1/users/@log', { body: { password: `${secrets.b}\0` } })

    const log = admin.lines.join('')
    expect(log).toContain('request completed')
    for (const secret of Object.values(secrets)) expect(log).not.toContain(secret)
    expect(log).not.toContain('$argon2id$')
  })
})

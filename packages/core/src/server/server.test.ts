import { connect } from 'node:net'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { Type } from '@sinclair/typebox'
import { expect, onTestFinished, test } from 'vitest'
import apiKey from '../api-key/index.ts'
import { readConfig } from '../config/index.ts'
import { baseConfig } from '../config/schemas.ts'
import { createLogger } from '../logging/index.ts'
import { guard } from '../access/index.ts'
import { createServer } from './index.ts'

const Config = Type.Object({
  ...baseConfig,
  PORT: Type.Integer({ default: 0 }),
  APP_NAME: Type.String({ default: 'potok-test' }),
})

async function build(env: Record<string, string> = {}) {
  const lines: Record<string, unknown>[] = []
  const config = readConfig(Config, { LOG_FORMAT: 'json', BODY_LIMIT: '1024', ...env })
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>)
      done()
    },
  })
  const app = await createServer({
    config,
    logger: createLogger(config, destination),
    origins: ['https://admin.potok.app'],
    health: { prefix: '/health' },
    metricsPath: '/metrics',
    docs: { path: '/api-docs', title: 'Test', description: 'A test', security: 'apiKey' },
  })
  onTestFinished(() => app.close())
  await app.register(apiKey, { keys: config.API_KEYS })
  const Note = Type.Object(
    { text: Type.String({ minLength: 1 }), level: Type.Optional(Type.Integer()) },
    { additionalProperties: false },
  )
  app.post(
    '/notes',
    {
      onRequest: app.requireApiKey,
      schema: { tags: ['notes'], body: Note, response: { 200: Note } },
    },
    async (request) => request.body,
  )
  app.get(
    '/whoami',
    { onRequest: app.requireApiKey, schema: { tags: ['test'] } },
    async (request) => request.caller,
  )
  app.get('/broken', { config: { public: true } }, async () => {
    throw new Error('connect ECONNREFUSED 10.0.0.1:5432')
  })
  return { app, lines }
}

const key = { 'x-api-key': 'gateway-service-key' }

test('an unknown field and a wrong type are refused by name, not stripped or coerced', async () => {
  const { app } = await build()

  const unknown = await app.inject({
    method: 'POST',
    url: '/notes',
    headers: key,
    body: { text: 'a', extra: 1 },
  })
  const wrong = await app.inject({
    method: 'POST',
    url: '/notes',
    headers: key,
    body: { text: 'a', level: '1' },
  })

  expect(unknown.statusCode).toBe(400)
  expect(unknown.headers['content-type']).toMatch(/^application\/problem\+json/u)
  expect(unknown.json()).toMatchObject({
    code: 'REQUEST_INVALID',
    status: 400,
    instance: '/notes',
    errors: [{ path: '/body/extra', message: 'is not a known field' }],
  })
  expect(wrong.json().errors).toEqual([{ path: '/body/level', message: 'must be integer' }])
})

test.each([
  ['malformed JSON', '{"text":', 'application/json', 400, 'REQUEST_MALFORMED_JSON'],
  ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'application/json', 400, 'BODY_NOT_UTF8'],
  ['a NUL in a text', '{"text":"a\\u0000b"}', 'application/json', 422, 'TEXT_NOT_STORABLE'],
  ['a lone surrogate', '{"text":"\\ud800"}', 'application/json', 422, 'TEXT_NOT_STORABLE'],
  [
    'a body over the limit',
    JSON.stringify({ text: 'x'.repeat(2000) }),
    'application/json',
    413,
    'REQUEST_TOO_LARGE',
  ],
  ['another media type', 'text=a', 'text/plain', 415, 'REQUEST_UNSUPPORTED_MEDIA_TYPE'],
])('%s gets its own problem', async (_case, payload, type, status, code) => {
  const { app } = await build()

  const response = await app.inject({
    method: 'POST',
    url: '/notes',
    headers: { ...key, 'content-type': type },
    payload,
  })

  expect(response.statusCode).toBe(status)
  expect(response.json()).toMatchObject({ status, code })
})

test('a paired surrogate escape is a letter like any other', async () => {
  const { app } = await build()

  const response = await app.inject({
    method: 'POST',
    url: '/notes',
    headers: { ...key, 'content-type': 'application/json' },
    payload: '{"text":"\\ud83d\\ude00"}',
  })

  expect(response.json()).toEqual({ text: '😀' })
})

test('a path that nobody serves is 404, a method that it does not take is 405 with Allow', async () => {
  const { app } = await build()

  const missing = await app.inject({ url: '/nothing', headers: key })
  const method = await app.inject({ method: 'DELETE', url: '/notes', headers: key })

  expect(missing.json()).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' })
  expect(method.json()).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' })
  expect(method.headers['allow']).toBe('POST')
})

test('a fault of ours tells the log everything and the client nothing', async () => {
  const { app, lines } = await build()

  const response = await app.inject({ url: '/broken' })

  expect(response.json()).toEqual({
    type: '/problems/internal-error',
    title: 'Internal Server Error',
    status: 500,
    instance: '/broken',
    code: 'INTERNAL_ERROR',
    correlationId: response.headers['x-correlation-id'],
  })
  expect(JSON.stringify(lines)).toContain('ECONNREFUSED 10.0.0.1')
})

test('a well-formed correlation id is kept, any other replaced; the trace is continued with a span of ours', async () => {
  const { app, lines } = await build()
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

  const kept = await app.inject({
    url: '/nothing',
    headers: { 'x-correlation-id': 'abc-123', traceparent },
  })
  const replaced = await app.inject({ url: '/nothing', headers: { 'x-correlation-id': 'a b\tc' } })

  expect(kept.headers['x-correlation-id']).toBe('abc-123')
  expect(kept.json().correlationId).toBe('abc-123')
  expect(replaced.headers['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/u)
  expect(lines.find((line) => line['message'] === 'request completed')).toMatchObject({
    level: 'info',
    service: 'potok-test',
    context: 'Http',
    correlationId: 'abc-123',
    status: 404,
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/u) as string,
  })
})

test('keys name their service, only gateway and task may act for somebody', async () => {
  const { app } = await build()
  const ask = (headers: Record<string, string>) => app.inject({ url: '/whoami', headers })

  expect((await ask({})).json()).toMatchObject({ status: 401, code: 'API_KEY_MISSING' })
  expect((await ask({ 'x-api-key': 'nope' })).json()).toMatchObject({
    status: 401,
    code: 'API_KEY_UNKNOWN',
  })
  expect((await ask(key)).json()).toEqual({
    service: 'gateway',
    actor: 'service:gateway',
    scope: 'all',
  })
  expect((await ask({ ...key, 'x-actor': 'user:u1', 'x-actor-scope': 'own' })).json()).toEqual({
    service: 'gateway',
    actor: 'user:u1',
    scope: 'own',
  })
  expect(
    (await ask({ 'x-api-key': 'state-service-key', 'x-actor': 'user:u1' })).json(),
  ).toMatchObject({
    status: 403,
    code: 'API_KEY_ACTOR_NOT_ALLOWED',
  })
  expect((await ask({ ...key, 'x-actor': 'root' })).json()).toMatchObject({
    code: 'API_KEY_ACTOR_INVALID',
  })
})

test('a route without a guard does not boot', async () => {
  const { app } = await build()
  app.get('/open', async () => 'hello')

  await expect(app.ready()).rejects.toThrow('Routes without a guard: GET /open')
})

test('a guarded route that the document is silent about does not boot, unless it says so', async () => {
  const { app } = await build()
  const onRequest = guard(async () => {})
  app.get('/silent', { onRequest }, async () => ({}))
  app.get('/hidden', { onRequest, schema: { hide: true } }, async () => ({}))

  await expect(app.ready()).rejects.toThrow(/^Routes without tags: GET \/silent, HEAD \/silent$/u)
})

test('readiness follows required parts only and the drain; the full health tells each part', async () => {
  const { app } = await build()
  let store: 'up' | 'down' = 'up'
  app.health.part({ name: 'store', required: true, check: async () => ({ status: store }) })
  app.health.part({
    name: 'redis',
    readinessKey: 'redis',
    required: false,
    check: async () => Promise.reject(new Error('gone')),
  })

  expect((await app.inject('/health/readiness')).json()).toEqual({ ready: true, redis: false })
  expect((await app.inject('/health')).json()).toMatchObject({
    status: 'degraded',
    info: { store: { status: 'up' }, redis: { status: 'down' } },
  })
  store = 'down'
  expect((await app.inject('/health/readiness')).statusCode).toBe(503)
  expect((await app.inject('/health')).statusCode).toBe(503)
  store = 'up'
  app.health.draining = true
  const draining = await app.inject('/health/readiness')
  expect(draining.statusCode).toBe(503)
  expect(draining.headers['connection']).toBe('close')
  expect((await app.inject('/health/liveness')).json()).toEqual({ status: 'ok' })
})

test('metrics carry the README names with route patterns, and can be switched off', async () => {
  const { app } = await build()
  await app.inject('/nothing/at/all')
  await app.inject('/health/liveness')

  const text = (await app.inject('/metrics')).body

  expect(text).toContain(
    'http_requests_total{method="GET",route="/health/liveness",status="200"} 1',
  )
  expect(text).toContain('http_requests_total{method="GET",route="unmatched",status="404"} 1')
  expect(text).toContain('http_request_duration_seconds_bucket')
  expect(text).toContain('process_cpu_seconds_total')
  const { app: silent } = await build({ METRICS_ENABLED: 'false', HEALTH_CHECK_ENABLED: 'false' })
  expect((await silent.inject('/metrics')).statusCode).toBe(404)
  expect((await silent.inject('/health')).statusCode).toBe(404)
  expect((await silent.inject('/health/liveness')).statusCode).toBe(200)
})

test('the document is OpenAPI with our routes, and Swagger UI shows it', async () => {
  const { app } = await build()
  await app.ready()

  const document = (await app.inject('/api-docs/json')).json()
  const page = await app.inject('/api-docs/')

  expect(document.openapi).toBe('3.1.0')
  expect(Object.keys(document.paths)).toContain('/notes')
  expect(document.components.securitySchemes.apiKey.name).toBe('x-api-key')
  expect(page.statusCode).toBe(200)
  expect(page.headers['content-security-policy']).toContain("script-src 'self'")
})

test('CORS answers listed origins only', async () => {
  const { app } = await build()
  const ask = async (origin: string) =>
    (await app.inject({ url: '/health/liveness', headers: { origin } })).headers[
      'access-control-allow-origin'
    ]

  expect(await ask('https://admin.potok.app')).toBe('https://admin.potok.app')
  expect(await ask('https://evil.example')).toBeUndefined()
})

test('what is no HTTP gets a problem on the bare socket and the process lives', async () => {
  const { app } = await build()
  const address = new URL(await app.listen({ port: 0 }))
  const socket = connect(Number(address.port), '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))

  socket.write(
    'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
  )
  await once(socket, 'close')

  expect(text).toMatch(/^HTTP\/1\.1 400 /u)
  expect(text).toContain('REQUEST_MALFORMED')
  expect((await app.inject('/health/liveness')).statusCode).toBe(200)
})

test.each([
  ['without a host', [], 400, 'REQUEST_HOST_MISSING'],
  [
    'that expects what nobody knows',
    ['Host: a', 'Expect: tea'],
    417,
    'REQUEST_EXPECTATION_UNKNOWN',
  ],
])('a request %s is a problem like any other', async (_case, headers, status, code) => {
  const { app } = await build()
  const address = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const socket = connect(Number(address.port), '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))

  const head = ['GET /health/liveness HTTP/1.1', 'X-Correlation-Id: c1', ...headers]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  await once(socket, 'close')

  expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `, 'u'))
  expect(text).toMatch(/^x-correlation-id: c1\r$/imu)
  expect(text).toMatch(/^content-type: application\/problem\+json\r$/imu)
  expect(text).toContain(`"code":"${code}"`)
})

test('a connection on which nothing was asked does not hold up the shutdown', async () => {
  const { app } = await build()
  const address = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const socket = connect(Number(address.port), '127.0.0.1')
  await once(app.server, 'connection')

  const closed = once(socket, 'close')
  await app.close()

  await expect(closed).resolves.toEqual([false])
})

test('X-Forwarded-For is believed from the proxies that are named, and from nobody else', async () => {
  const { app } = await build({ TRUSTED_PROXIES: '10.0.0.0/8' })
  app.get('/ip', { config: { public: true } }, async ({ ip }) => ({ ip }))
  const ipFrom = async (remoteAddress: string) => {
    const headers = { 'x-forwarded-for': '203.0.113.7' }
    return (await app.inject({ url: '/ip', remoteAddress, headers })).json().ip
  }

  expect(await ipFrom('10.1.1.1')).toBe('203.0.113.7')
  expect(await ipFrom('198.51.100.1')).toBe('198.51.100.1')
})

test('a number of trusted proxies is refused at boot, by the name of the variable', async () => {
  await expect(build({ TRUSTED_PROXIES: '1' })).rejects.toThrow('TRUSTED_PROXIES: "1" is no CIDR')
})

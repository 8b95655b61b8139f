import { once } from 'node:events'
import { request as httpRequest, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test, vi } from 'vitest'
import { deadOrigin, startGateway, startService } from '../testing/gateway.ts'

const echo: RequestListener = (request, response) => {
  response.setHeader('content-type', 'application/json')
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const { method, url, headers } = request
    response.end(
      JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString('utf8') }),
    )
  })
}

interface Echo {
  method: string
  url: string
  headers: Record<string, string>
  body: string
}

/** With a state service, which the gateway also asks on its own account. */
async function withState(listener: RequestListener, env: Record<string, string> = {}) {
  const state = await startService(listener)
  const gateway = await startGateway({ STATE_SERVICE_URL: state.url, ...env })
  return { state, ...gateway }
}

/** With a task service, which gets nothing but what is passed on. */
async function withTask(listener: RequestListener, env: Record<string, string> = {}) {
  const task = await startService(listener)
  const gateway = await startGateway({
    TASK_SERVICE_URL: task.url,
    TASK_SERVICE_API_KEY: 'key for task',
    ...env,
  })
  return { task, ...gateway }
}

/** fetch refuses to send some headers, and hides others. */
function send(
  url: string,
  options: {
    method?: string
    headers?: Record<string, string | string[]>
    body?: string | Buffer
  } = {},
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options
    const request = httpRequest(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

const json = { 'content-type': 'application/json' }

test('a request reaches the service with our key and the name of the caller', async () => {
  const { url, as } = await withState(echo)

  const answer = await send(`${url}/api/v1/states/task/t1/history?limit=5&after=a%2Fb`, {
    headers: {
      ...(await as('member')),
      'x-correlation-id': 'corr-1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
  })

  expect(answer.status).toBe(200)
  expect(answer.headers['x-correlation-id']).toBe('corr-1')
  const seen = JSON.parse(answer.body) as Echo
  expect(seen.url).toBe('/api/v1/states/task/t1/history?limit=5&after=a%2Fb')
  expect(seen.headers).toMatchObject({
    'x-api-key': 'key for state',
    'x-actor': 'user:member',
    'x-correlation-id': 'corr-1',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    via: '1.1 potok-gateway',
  })
  expect(seen.headers['traceparent']).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-.*-01$/u)
  expect(seen.headers).not.toHaveProperty('authorization')
  expect(seen.headers).not.toHaveProperty('x-actor-scope')
})

test('where the table says own, the service is told to check it', async () => {
  const { url, as } = await withState(echo)
  const member = await as('member')
  const patch = { method: 'PATCH', body: '{"status":"pending"}' }

  const own = await send(`${url}/api/v1/states/task/t1`, {
    ...patch,
    headers: { ...member, ...json },
  })
  const any = await send(`${url}/api/v1/states/task/t1`, {
    ...patch,
    headers: { ...(await as('manager')), ...json },
  })

  expect(JSON.parse(own.body)).toMatchObject({
    method: 'PATCH',
    body: '{"status":"pending"}',
    headers: { 'x-actor': 'user:member', 'x-actor-scope': 'own' },
  })
  expect((JSON.parse(any.body) as Echo).headers).not.toHaveProperty('x-actor-scope')
})

test('a forged identity, origin or credential does not pass, in whatever spelling', async () => {
  const { url, as } = await withTask(echo)
  const forged = {
    'x-api-key': 'forged',
    x_api_key: 'forged',
    'x-actor': 'user:forged',
    x_actor: 'user:forged',
    'x-actor-scope': 'forged',
    'x-forwarded-for': '6.6.6.6',
    'x-forwarded-host': 'forged',
    'x-forwarded-proto': 'forged',
    forwarded: 'for=6.6.6.6',
    'x-real-ip': '6.6.6.6',
    'x-internal-user': 'forged',
    'x-request-timeout-ms': '999999',
    cookie: 'forged=1',
    via: '1.0 forged',
    'proxy-authorization': 'forged',
  }

  const answer = await send(`${url}/api/v1/tasks`, {
    headers: { ...forged, ...(await as('admin')) },
  })

  const { headers } = JSON.parse(answer.body) as Echo
  expect(JSON.stringify(headers)).not.toMatch(/forged|6\.6\.6\.6|999999/u)
  expect(headers).toMatchObject({ 'x-api-key': 'key for task', 'x-actor': 'user:admin' })
})

test('naming a header in Connection takes the client’s own away, never ours', async () => {
  const { url, as } = await withTask(echo)

  const answer = await send(`${url}/api/v1/tasks`, {
    headers: {
      ...(await as('admin')),
      connection: 'close, x-api-key, x-actor, x-correlation-id, if-none-match, content-length',
      'if-none-match': '"1"',
    },
  })

  const { headers } = JSON.parse(answer.body) as Echo
  expect(headers).toMatchObject({ 'x-api-key': 'key for task', 'x-actor': 'user:admin' })
  expect(headers).toHaveProperty('x-correlation-id')
  expect(headers).not.toHaveProperty('if-none-match')
})

test.each([
  { 'keep-alive': 'timeout=5' },
  { 'proxy-connection': 'keep-alive' },
  { 'proxy-authorization': 'Basic YTpi' },
  { te: 'trailers' },
  { upgrade: 'h2c' },
  { 'http2-settings': 'AAMAAABkAAQAAP__' },
])('headers of one hop are taken out of the request: %j', async (hop) => {
  const { url, as } = await withTask(echo)

  const answer = await send(`${url}/api/v1/tasks`, {
    headers: { ...(await as('admin')), ...hop },
  })

  expect(answer.status).toBe(200)
  const [name = ''] = Object.keys(hop)
  expect((JSON.parse(answer.body) as Echo).headers).not.toHaveProperty(name)
})

test('Expect: 100-continue is answered here and the body passed on', async () => {
  const { url, as } = await withTask(echo)
  const body = JSON.stringify({ entityId: 't1', metadata: { title: 'x'.repeat(200_000) } })
  const request = httpRequest(`${url}/api/v1/tasks`, {
    method: 'POST',
    agent: false,
    headers: {
      ...(await as('admin')),
      ...json,
      expect: '100-continue',
      'content-length': String(body.length),
    },
  })
  request.flushHeaders()
  await once(request, 'continue')
  request.end(body)

  const [response] = (await once(request, 'response')) as [
    NodeJS.ReadableStream & { statusCode: number },
  ]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  expect(response.statusCode).toBe(200)
  const seen = JSON.parse(text) as Echo
  expect(seen.body).toBe(body)
  expect(seen.headers).not.toHaveProperty('expect')
})

test('headers of one hop, and those that are ours to say, are taken out of the answer', async () => {
  const { url, as } = await withTask((_request, response) => {
    response.writeHead(200, {
      connection: 'x-secret, close',
      'x-secret': 'named in Connection',
      'keep-alive': 'timeout=72',
      upgrade: 'h2c',
      'proxy-authenticate': 'Basic',
      trailer: 'x-sum',
      server: 'internal/1.0',
      'x-powered-by': 'internal',
      'set-cookie': 'a=b',
      'access-control-allow-origin': '*',
      'content-security-policy': "default-src 'unsafe-inline'",
      ratelimit: '"default";r=1;t=1',
      etag: '"7"',
      vary: 'Accept-Encoding, Origin',
      'x-cache': 'local',
      'content-type': 'application/json',
    })
    response.end('{}')
  })

  const { headers } = await send(`${url}/api/v1/tasks/t1`, { headers: await as('admin') })

  for (const name of [
    'x-secret',
    'upgrade',
    'proxy-authenticate',
    'trailer',
    'server',
    'x-powered-by',
    'set-cookie',
    'access-control-allow-origin',
  ]) {
    expect(headers).not.toHaveProperty(name)
  }
  expect(headers['keep-alive']).not.toBe('timeout=72')
  expect(headers['content-security-policy']).toContain("default-src 'none'")
  expect(headers['ratelimit']).toContain('r=9')
  expect(headers).toMatchObject({
    etag: '"7"',
    'x-cache': 'local',
    vary: 'Origin, Accept-Encoding',
  })
})

test('CORS is answered for proxied routes too', async () => {
  const { url, as } = await withTask(echo)
  const headers = { ...(await as('admin')), origin: 'https://max.app' }

  const answer = await send(`${url}/api/v1/tasks`, { headers })
  const preflight = await send(`${url}/api/v1/tasks`, {
    method: 'OPTIONS',
    headers: { origin: 'https://max.app', 'access-control-request-method': 'PUT' },
  })

  expect(answer.headers['access-control-allow-origin']).toBe('https://max.app')
  expect(preflight.status).toBe(204)
  expect(preflight.headers['access-control-allow-methods']).toContain('PUT')
})

test('the answer of a service passes as it is, problems included', async () => {
  const problem = {
    type: '/problems/states-invalid-transition',
    title: 'Conflict',
    status: 409,
    code: 'STATES_INVALID_TRANSITION',
    correlationId: 'corr-1',
    allowed: ['created'],
  }
  const { url, as } = await withTask((_request, response) => {
    response.writeHead(409, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify(problem))
  })

  const answer = await send(`${url}/api/v1/tasks/t1`, { headers: await as('admin') })

  expect(answer.status).toBe(409)
  expect(answer.headers['content-type']).toBe('application/problem+json')
  expect(JSON.parse(answer.body)).toEqual(problem)
})

test('a compressed answer passes as it is, and a small one is not blown up', async () => {
  const large = JSON.stringify({ text: 'x'.repeat(5000) })
  const { url, as } = await withTask((request, response) => {
    response.setHeader('content-type', 'application/json')
    if (request.url?.endsWith('large') === true) {
      response.setHeader('content-encoding', 'gzip')
      response.end(gzipSync(large))
    } else response.end('{"small":true}')
  })
  const headers = { ...(await as('admin')), 'accept-encoding': 'gzip' }

  const small = await send(`${url}/api/v1/tasks/small`, { headers })
  expect(small.headers).not.toHaveProperty('content-encoding')
  expect(small.body).toBe('{"small":true}')
  const fetched = await fetch(`${url}/api/v1/tasks/large`, { headers })
  expect(fetched.headers.get('content-encoding')).toBe('gzip')
  expect(await fetched.text()).toBe(large)
})

test('HEAD, 204 and 304 pass without a body', async () => {
  const { url, as } = await withTask((request, response) => {
    if (request.method === 'HEAD') response.setHeader('content-length', '42')
    if (request.method === 'DELETE') response.statusCode = 204
    if (request.headers['if-none-match'] === '"1"') response.statusCode = 304
    response.end()
  })
  const admin = await as('admin')
  const path = `${url}/api/v1/tasks/t1`

  const head = await send(path, { method: 'HEAD', headers: admin })
  expect(head).toMatchObject({ status: 200, body: '', headers: { 'content-length': '42' } })
  expect(await send(path, { method: 'DELETE', headers: admin })).toMatchObject({ status: 204 })
  const fresh = await send(path, { headers: { ...admin, 'if-none-match': '"1"' } })
  expect(fresh).toMatchObject({ status: 304, body: '' })
})

test('503 of a service is asked for again twice at most, in safe requests only', async () => {
  const { url, as, task } = await withTask((_request, response) => {
    response.writeHead(503, { 'content-type': 'application/json' })
    response.end('{}')
  })
  const admin = await as('admin')

  expect((await send(`${url}/api/v1/tasks`, { headers: admin })).status).toBe(503)
  expect(task.requests).toHaveLength(3)

  const post = { method: 'POST', headers: { ...admin, ...json }, body: '{"entityId":"a"}' }
  expect((await send(`${url}/api/v1/tasks`, post)).status).toBe(503)
  expect(task.requests).toHaveLength(4)
})

test('a Retry-After of seconds is not taken for milliseconds', async () => {
  const { url, as, task } = await withTask(
    (_request, response) => {
      response.writeHead(503, { 'retry-after': '5' })
      response.end()
    },
    { UPSTREAM_TIMEOUT_MS: '3000' },
  )

  const answer = await send(`${url}/api/v1/tasks`, { headers: await as('admin') })

  expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
  expect(task.requests).toHaveLength(1)
})

test('a service that fails everything is asked no more than 1.25 times as often as we are', async () => {
  const { url, as, task } = await withTask(
    (_request, response) => {
      response.statusCode = 503
      response.end()
    },
    { CIRCUIT_BREAKER_FAILURE_THRESHOLD: '1000' },
  )
  const admin = await as('admin')
  for (let batch = 0; batch < 10; batch += 1) {
    await Promise.all(
      Array.from({ length: 20 }, () => send(`${url}/api/v1/tasks`, { headers: admin })),
    )
  }
  expect(task.requests.length).toBeGreaterThanOrEqual(200)
  expect(task.requests.length).toBeLessThanOrEqual(250)
}, 60_000)

test('a service that refuses the connection is a 502 that names no address', async () => {
  const origin = await deadOrigin()
  const { url, as, lines } = await startGateway({ TASK_SERVICE_URL: origin })

  const answer = await send(`${url}/api/v1/tasks`, { headers: await as('admin') })

  expect(answer.status).toBe(502)
  expect(JSON.parse(answer.body)).toMatchObject({
    status: 502,
    code: 'UPSTREAM_UNREACHABLE',
    reason: 'upstream_unreachable',
    instance: '/api/v1/tasks',
    correlationId: answer.headers['x-correlation-id'],
  })
  expect(answer.body).not.toContain(new URL(origin).port)
  expect(answer.body).not.toContain('ECONNREFUSED')
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 'error', reason: 'upstream_unreachable' }),
  )
})

test('a thousand quick requests to a dead service leave the process alive', async () => {
  const { url, as } = await startGateway({ TASK_SERVICE_URL: await deadOrigin() })
  const admin = await as('admin')

  const statuses = new Set<number>()
  for (let batch = 0; batch < 10; batch += 1) {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => send(`${url}/api/v1/tasks`, { headers: admin })),
    )
    for (const { status } of answers) statuses.add(status)
  }

  expect([...statuses].every((status) => status === 502 || status === 503)).toBe(true)
  expect((await send(`${url}/api/v1/health/liveness`)).status).toBe(200)
}, 60_000)

test('a service that resets the connection is a 502', async () => {
  const { url, as } = await withTask((request) => request.socket.resetAndDestroy())

  const answer = await send(`${url}/api/v1/tasks`, { headers: await as('admin') })

  expect(answer.status).toBe(502)
  expect(JSON.parse(answer.body)).toMatchObject({ reason: 'upstream_unreachable' })
})

test('a service that does not answer in time is a 504, and its work is broken off', async () => {
  const closed = vi.fn<() => void>()
  const { url, as } = await withTask((request) => void request.socket.once('close', closed), {
    UPSTREAM_TIMEOUT_MS: '300',
  })

  const answer = await send(`${url}/api/v1/tasks`, { headers: await as('admin') })

  expect(answer.status).toBe(504)
  expect(JSON.parse(answer.body)).toMatchObject({ reason: 'upstream_timeout' })
  await vi.waitFor(() => expect(closed).toHaveBeenCalled())
})

test('a client that leaves breaks off the work of the service at once', async () => {
  const closed = vi.fn<() => void>()
  const { url, as, task } = await withTask((request) => void request.socket.once('close', closed))
  const request = httpRequest(`${url}/api/v1/tasks`, {
    headers: await as('admin'),
    agent: false,
  })
  request.on('error', () => {})
  request.end()
  await vi.waitFor(() => expect(task.requests).toHaveLength(1))

  request.destroy()
  const left = performance.now()

  await vi.waitFor(() => expect(closed).toHaveBeenCalled(), { interval: 5 })
  expect(performance.now() - left).toBeLessThan(1000)
})

test('our key being refused is no 401 of the caller', async () => {
  const { url, as } = await withTask((_request, response) => {
    response.writeHead(401, { 'content-type': 'application/problem+json', 'content-length': '2' })
    response.end('{}')
  })

  const answer = await send(`${url}/api/v1/tasks`, { headers: await as('admin') })

  expect(answer.status).toBe(502)
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'PROXY_KEY_REFUSED' })
})

test.each([
  ['declared', { 'content-length': '5000' }],
  ['chunked', { 'transfer-encoding': 'chunked' }],
])('a body over the limit is a 413: %s', async (_case, length) => {
  const { url, as } = await withTask(echo, { BODY_LIMIT: '1024' })
  const admin = await as('admin')
  const post = (body: string, headers: Record<string, string>) =>
    send(`${url}/api/v1/tasks`, {
      method: 'POST',
      body,
      headers: { ...admin, ...json, ...headers },
    })

  const answer = await post('x'.repeat(5000), length)

  expect(answer.status).toBe(413)
  expect(answer.headers['content-type']).toContain('application/problem+json')
  const within = await post('{"entityId":"t1"}', { 'transfer-encoding': 'chunked' })
  expect(within.status).toBe(200)
})

test('an early end of the client’s body is not completed for the service', async () => {
  const ended = vi.fn<() => void>()
  const aborted = vi.fn<() => void>()
  const { url, as, task } = await withTask((request) => {
    request.on('error', aborted)
    request.on('end', ended)
    request.resume()
  })
  const request = httpRequest(`${url}/api/v1/tasks`, {
    method: 'POST',
    agent: false,
    headers: { ...(await as('admin')), ...json, 'transfer-encoding': 'chunked' },
  })
  request.on('error', () => {})
  request.write('{"entityId":')
  await vi.waitFor(() => expect(task.requests).toHaveLength(1))

  request.destroy()

  await vi.waitFor(() => expect(aborted).toHaveBeenCalled())
  expect(ended).not.toHaveBeenCalled()
})

test('an event stream passes event by event, its head at once, and outlives the deadline', async () => {
  const { url, as, state } = await withState(
    (request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      let count = 0
      const timer = setInterval(() => response.write(`id: ${(count += 1)}\n\n`), 100)
      request.socket.once('close', () => clearInterval(timer))
    },
    { UPSTREAM_TIMEOUT_MS: '250' },
  )
  const controller = new AbortController()
  const stream = await fetch(`${url}/api/v1/events/stream`, {
    headers: { ...(await as('manager')), 'last-event-id': 'e.41' },
    signal: controller.signal,
  })
  expect(stream.headers.get('content-type')).toBe('text/event-stream')
  expect(stream.headers.has('content-encoding')).toBe(false)
  expect(state.requests[0]?.headers['last-event-id']).toBe('e.41')

  let text = ''
  for await (const chunk of stream.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString('utf8')
    if (text.includes('id: 6')) break
  }
  controller.abort()

  expect(text).toContain('id: 1\n\nid: 2')
  await vi.waitFor(() => expect(state.requests[0]?.socket.destroyed).toBe(true))
})

/** A service whose event stream has no end. */
const endless: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(': hello\n\n')
}

test('an event stream ends with the session of its reader, and with no other', async () => {
  const { url, as, state } = await withState(endless)
  const [ended, living] = [await as('manager'), await as('manager')]
  const stream = await fetch(`${url}/api/v1/events/stream`, { headers: ended })
  const other = await fetch(`${url}/api/v1/events/stream`, { headers: living })
  expect([stream.status, other.status]).toEqual([200, 200])

  const logout = await fetch(`${url}/api/v1/auth/logout`, { method: 'POST', headers: ended })

  expect(logout.status).toBe(204)
  expect(await stream.text()).toBe(': hello\n\n')
  await vi.waitFor(() => expect(state.requests[0]?.socket.destroyed).toBe(true))
  expect(state.requests[1]?.socket.destroyed).toBe(false)
  await other.body?.cancel()
})

test('an event stream ends with the token that let its reader in', async () => {
  const { url, as } = await withState(endless, { JWT_EXPIRATION: '4s' })

  const stream = await fetch(`${url}/api/v1/events/stream`, { headers: await as('manager') })

  expect(await stream.text()).toBe(': hello\n\n')
})

test('closing with a service that hangs and a stream under way takes no longer than the deadline', async () => {
  const { app, url, as, state } = await withState(
    (request, response) => {
      if (request.url?.includes('stream') === true) {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(': hello\n\n')
      }
    },
    { UPSTREAM_TIMEOUT_MS: '500' },
  )
  const headers = await as('admin')
  const hung = send(`${url}/api/v1/states/task`, { headers })
  const stream = send(`${url}/api/v1/events/stream`, { headers })
  await vi.waitFor(() => expect(state.requests).toHaveLength(2))

  const startedAt = performance.now()
  await app.close()

  expect(performance.now() - startedAt).toBeLessThan(2000)
  expect((await hung).status).toBe(504)
  expect((await stream).body).toContain('hello')
})

test('/api/v1/admin is the admin service, its passwords excepted', async () => {
  const { url, as, admin } = await startGateway()
  const headers = { ...(await as('admin')), ...json }

  const answer = await send(`${url}/api/v1/admin/users/member`, { headers })
  expect(JSON.parse(answer.body)).toMatchObject({ id: 'member' })
  expect(admin.asked.at(-1)).toMatchObject({
    route: 'GET /api/v1/users/member',
    apiKey: 'key for admin',
  })

  const asked = admin.asked.length
  const verify = await send(`${url}/api/v1/admin/users/verify`, {
    method: 'POST',
    headers,
    body: '{"username":"member","password":"guess"}',
  })
  expect(verify.status).toBe(403)
  expect(admin.asked).toHaveLength(asked)
})

test.each([
  ['POST', '/api/v1/states/user', 'Content-Length: 99999999', '{'],
  [
    'PATCH',
    '/api/v1/admin/users/member',
    'Transfer-Encoding: chunked',
    `800\r\n${'x'.repeat(2048)}\r\n`,
  ],
] as const)('%s %s with too much for a look at it ends the connection', async (...request) => {
  const [method, path, length, body] = request
  const { as, raw } = await withState(echo, { BODY_LIMIT: '1024' })
  const { authorization } = await as(method === 'POST' ? 'member' : 'admin')

  const answer = await raw(
    `${method} ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n` +
      `Content-Type: application/json\r\n${length}\r\n\r\n${body}`,
  )

  expect(answer).toMatch(/^HTTP\/1\.1 413 /u)
  expect(answer).toMatch(/^connection: close\r$/imu)
})

test('an Idempotency-Key makes nothing safe at a service that knows no such keys', async () => {
  const { url, as, admin } = await startGateway()

  const answer = await send(`${url}/api/v1/admin/db/notes`, {
    method: 'POST',
    headers: { ...(await as('admin')), ...json, 'idempotency-key': 'k1' },
    body: '{"text":"once"}',
  })

  expect(answer.status).toBe(503)
  expect(admin.asked.filter(({ route }) => route === 'POST /api/v1/db/notes')).toHaveLength(1)
})

test('requests in a pipeline are answered in their order, without a warning', async () => {
  const { as, raw } = await withState(echo)
  const { authorization } = await as('admin')
  const warned = vi.fn<(warning: Error) => void>()
  process.on('warning', warned)
  onTestFinished(() => void process.off('warning', warned))
  const ask = (index: number) =>
    `GET /api/v1/states/task/t${index} HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n` +
    `${index === 19 ? 'Connection: close\r\n' : ''}\r\n`

  const answers = await raw(Array.from({ length: 20 }, (_, index) => ask(index)).join(''))

  const asked = [...answers.matchAll(/"url":"\/api\/v1\/states\/task\/(?<id>\w+)"/gu)]
  expect(asked.map(({ groups }) => groups?.['id'])).toEqual(asked.map((_, index) => `t${index}`))
  expect(asked).toHaveLength(20)
  expect(warned).not.toHaveBeenCalled()
})

test.each([
  ['PATCH', 'member', '{"active":false}', 401],
  ['PATCH', 'member', '{"roles":["manager"]}', 401],
  ['PATCH', 'member', '{"password":"another password"}', 401],
  ['PATCH', '@Member', '{"active":false}', 401],
  ['PATCH', '%6dember', '{"active":false}', 401],
  ['DELETE', 'member', '', 401],
  ['PATCH', 'member', '{"displayName":"Another name"}', 200],
  ['PATCH', 'manager', '{"active":false}', 200],
  ['PATCH', 'member', 'null', 200],
])('after %s of %s with %s the member’s token is worth a %i', async (method, ref, body, status) => {
  const { url, as } = await startGateway()
  const member = await as('member')
  const admin = await as('admin')

  const change = await send(`${url}/api/v1/admin/users/${ref}`, {
    method,
    headers: { ...admin, ...(body === '' ? {} : json) },
    body,
  })

  expect(change.status).toBe(method === 'DELETE' ? 204 : body === 'null' ? 422 : 200)
  expect((await send(`${url}/api/v1/auth/sessions`, { headers: member })).status).toBe(status)
  expect((await send(`${url}/api/v1/auth/sessions`, { headers: admin })).status).toBe(200)
})

test('a Location of the admin service leads to it through the gateway', async () => {
  const { url, as } = await startGateway()

  const answer = await send(`${url}/api/v1/admin/users`, {
    method: 'POST',
    headers: { ...(await as('admin')), ...json },
    body: '{}',
  })

  expect(answer.headers.location).toBe('/api/v1/admin/users/usr_1')
})

test('a service below a path of its origin is asked there, the task service with the key of all', async () => {
  const task = await startService(echo)
  const { url, as } = await startGateway({ TASK_SERVICE_URL: `${task.url}/base/` })

  const answer = await send(`${url}/api/v1/tasks/t1?x=1`, { headers: await as('member') })

  expect(JSON.parse(answer.body)).toMatchObject({
    url: '/base/api/v1/tasks/t1?x=1',
    headers: { 'x-api-key': 'key for admin', 'x-actor-scope': 'own' },
  })
})

test('a service that is not configured is a 404 that says so, to those who are logged in', async () => {
  const { url, as } = await startGateway()
  const path = `${url}/api/v1/analytics/summary`

  expect((await send(path)).status).toBe(401)
  const answer = await send(path, { headers: await as('member') })
  expect(answer.status).toBe(404)
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'PROXY_SERVICE_NOT_CONFIGURED' })
})

test('what the table does not allow never reaches the service', async () => {
  const { url, as, state } = await withState(echo)
  const member = await as('member')
  const statusOf = async (method: string, path: string, headers: Record<string, string>) =>
    (await send(`${url}${path}`, { method, headers })).status

  expect(await statusOf('GET', '/api/v1/states/task', {})).toBe(401)
  expect(await statusOf('GET', '/api/v1/states/order', member)).toBe(403)
  expect(await statusOf('DELETE', '/api/v1/states/task/t1', member)).toBe(403)
  expect(await statusOf('GET', '/api/v1/webhooks/subscriptions', member)).toBe(403)
  expect(await statusOf('GET', '/api/v1/states/task/t1/nowhere', await as('admin'))).toBe(404)
  expect(await statusOf('GET', '/api/v1/states/%74ask', member)).toBe(200)
  expect(await statusOf('GET', '/api/v1/states/%6frder', member)).toBe(403)
  expect(state.requests.map(({ url: path }) => path)).toEqual(['/api/v1/states/%74ask'])
})

test.each([
  ['member', 'user', { entityId: 'member', status: 'online' }, 200],
  ['member', 'user', { entityId: 'manager', status: 'online' }, 403],
  ['member', 'user', { status: 'online' }, 403],
  ['manager', 'user', { entityId: 'member', status: 'online' }, 403],
  ['admin', 'user', { entityId: 'member', status: 'online' }, 200],
  ['manager', 'batch', { operations: [{ op: 'delete', entity: 'task', entityId: 't1' }] }, 200],
  [
    'manager',
    'batch',
    { operations: [{ entity: 'task' }, { op: 'delete', entity: 'user', entityId: 'x' }] },
    403,
  ],
  ['manager', 'batch', { operations: 'none' }, 403],
  ['admin', 'batch', { operations: [{ entity: 'user' }] }, 200],
  ['member', 'batch', { operations: [{ entity: 'task' }] }, 403],
] as const)('%s sends to states/%s %j: %i', async (role, path, body, status) => {
  const { url, as, state } = await withState(echo)
  const text = JSON.stringify(body)
  const headers = { ...(await as(role)), ...json }

  const declared = await send(`${url}/api/v1/states/${path}`, {
    method: 'POST',
    headers: { ...headers, 'content-length': String(text.length) },
    body: text,
  })
  const chunked = await send(`${url}/api/v1/states/${path}`, {
    method: 'POST',
    headers: { ...headers, 'transfer-encoding': 'chunked' },
    body: text,
  })

  for (const answer of [declared, chunked]) {
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toMatchObject(status === 200 ? { body: text } : { status })
  }
  expect(state.requests).toHaveLength(status === 200 ? 2 : 0)
})

test.each([
  ['no JSON', '{"entityId":', json, 400],
  ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), json, 400],
  ['no body', '', json, 400],
  ['another type', 'entityId=member', { 'content-type': 'text/plain' }, 415],
  ['an encoding', '{"entityId":"member"}', { ...json, 'content-encoding': 'gzip' }, 415],
  ['too much', `{"entityId":"${'x'.repeat(2000)}"}`, json, 413],
])('a body that must be judged and cannot is refused: %s', async (_case, body, type, status) => {
  const { url, as, state } = await withState(echo, { BODY_LIMIT: '1024' })
  const headers = { ...(await as('member')), ...type }

  const answer = await send(`${url}/api/v1/states/user`, { method: 'POST', headers, body })

  expect(answer.status).toBe(status)
  expect(JSON.parse(answer.body)).toMatchObject({ status })
  expect(state.requests).toEqual([])
})

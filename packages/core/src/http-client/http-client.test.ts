import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createHttpClient, type HttpClientOptions, type UpstreamReason } from './index.ts'

type Handler = (request: IncomingMessage, response: ServerResponse, hit: number) => void

/** An upstream that counts its requests and keeps what it was sent. */
async function upstream(handler: Handler) {
  const hits: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] =
    []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      hits.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
      handler(request, response, hits.length)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { origin: `http://127.0.0.1:${portOf(server.address())}`, hits, server }
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address.port
}

function client(origin: string, options: Partial<HttpClientOptions> = {}) {
  const clock = { now: 1_000_000 }
  const made = createHttpClient({
    name: 'state',
    origin,
    log: pino({ level: 'silent' }),
    backOff: { baseMs: 1, maxMs: 2 },
    now: () => clock.now,
    ...options,
  })
  onTestFinished(() => made.close())
  return Object.assign(made, { clock })
}

/** A port that refuses connections. */
async function closedPort(): Promise<string> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server.address())
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

const status =
  (code: number, headers: Record<string, string> = {}): Handler =>
  (_request, response) =>
    response.writeHead(code, headers).end(JSON.stringify({ code }))

const silent: Handler = () => {}

function failure(reason: UpstreamReason) {
  return expect.objectContaining({ reason, upstream: 'state' })
}

test('a connection past its time is replaced, so that its name is resolved anew', async () => {
  const { origin, server } = await upstream(status(200))
  let connections = 0
  server.on('connection', () => (connections += 1))
  const lasting = client(origin)
  const renewed = client(origin, { connectionTtlMs: 1 })
  const pause = () => new Promise((resolve) => void setTimeout(resolve, 20))

  for (let n = 0; n < 3; n += 1) {
    await lasting.request({ method: 'GET', path: '/' })
    await pause()
  }
  expect(connections).toBe(1)
  for (let n = 0; n < 3; n += 1) {
    await renewed.request({ method: 'GET', path: '/' })
    await pause()
  }

  expect(connections).toBe(4)
})

test('a request carries key, query, JSON and the time left, and the answer comes back whole', async () => {
  const { origin, hits } = await upstream((_request, response) =>
    response.writeHead(201, { etag: '"1"' }).end('{"entity":"task"}'),
  )
  const state = client(origin, { apiKey: 'gateway-service-key', deadlineMs: 5000 })

  const response = await state.request({
    method: 'POST',
    path: '/api/v1/states/task',
    query: { dryRun: true, status: ['a', 'b'], left: undefined },
    json: { entityId: '1' },
    idempotencyKey: 'k-1',
  })

  expect(response.status).toBe(201)
  expect(response.headers['etag']).toBe('"1"')
  expect(response.body.json()).toEqual({ entity: 'task' })
  expect(hits[0]).toMatchObject({
    method: 'POST',
    url: '/api/v1/states/task?dryRun=true&status=a&status=b',
    body: '{"entityId":"1"}',
    headers: {
      'x-api-key': 'gateway-service-key',
      'content-type': 'application/json',
      'idempotency-key': 'k-1',
    },
  })
  expect(Number(hits[0]?.headers['x-request-timeout-ms'])).toBeGreaterThan(4000)
})

test('the path of the origin is put before that of the request', async () => {
  const { origin, hits } = await upstream(status(200))

  await client(`${origin}/inner/`).request({ method: 'GET', path: '/health' })

  expect(hits[0]?.url).toBe('/inner/health')
})

test.each([502, 503, 504])('a GET answered with %i is repeated and recovers', async (code) => {
  const { origin, hits } = await upstream((request, response, hit) =>
    status(hit < 3 ? code : 200)(request, response, hit),
  )

  const response = await client(origin).request({ method: 'GET', path: '/' })

  expect(response.status).toBe(200)
  expect(hits).toHaveLength(3)
})

test.each([400, 404, 409, 429, 500, 501])('an answer of %i is not repeated', async (code) => {
  const { origin, hits } = await upstream(status(code))

  const response = await client(origin).request({ method: 'GET', path: '/' })

  expect(response.status).toBe(code)
  expect(hits).toHaveLength(1)
})

test('the last answer of 503 reaches the caller after two repetitions', async () => {
  const { origin, hits } = await upstream(status(503))

  const response = await client(origin).request({ method: 'GET', path: '/' })

  expect(response.status).toBe(503)
  expect(response.body.json()).toEqual({ code: 503 })
  expect(hits).toHaveLength(3)
})

test.each(['POST', 'PATCH'] as const)(
  '%s is sent once, unless an Idempotency-Key makes it repeatable',
  async (method) => {
    const { origin, hits } = await upstream(status(503))
    const state = client(origin)

    await state.request({ method, path: '/plain', json: {} })
    await state.request({ method, path: '/keyed', json: {}, idempotencyKey: 'k' })

    expect(hits.map(({ url }) => url)).toEqual(['/plain', '/keyed', '/keyed', '/keyed'])
  },
)

test('a Retry-After in seconds is waited for when the deadline allows', async () => {
  const { origin, hits } = await upstream((request, response, hit) =>
    hit === 1
      ? status(503, { 'retry-after': '1' })(request, response, hit)
      : status(200)(request, response, hit),
  )
  const startedAt = performance.now()

  const response = await client(origin).request({ method: 'GET', path: '/' })

  expect(response.status).toBe(200)
  expect(hits).toHaveLength(2)
  expect(performance.now() - startedAt).toBeGreaterThan(990)
})

test('a Retry-After beyond the deadline is left to the caller', async () => {
  const { origin, hits } = await upstream(status(503, { 'retry-after': '5' }))

  const response = await client(origin, { deadlineMs: 1000 }).request({ method: 'GET', path: '/' })

  expect(response.headers['retry-after']).toBe('5')
  expect(hits).toHaveLength(1)
})

test('a refused connection is unreachable, and no message names the address', async () => {
  const origin = await closedPort()

  const error = await client(origin)
    .request({ method: 'POST', path: '/' })
    .catch((thrown: unknown) => thrown)

  expect(error).toMatchObject({
    code: 'UPSTREAM_UNREACHABLE',
    statusCode: 502,
    reason: 'upstream_unreachable',
    message: 'The state service cannot be reached',
    cause: { code: 'ECONNREFUSED' },
  })
})

test('a connection that is reset is unreachable too, and a GET is tried again', async () => {
  const { origin, hits } = await upstream((request, response, hit) => {
    if (hit === 1) request.socket.resetAndDestroy()
    else response.end('{}')
  })

  const response = await client(origin).request({ method: 'GET', path: '/' })

  expect(response.status).toBe(200)
  expect(hits).toHaveLength(2)
})

test('an upstream that speaks no HTTP gives a bad response', async () => {
  const server = createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')).listen(0)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const state = client(`http://127.0.0.1:${portOf(server.address())}`)

  await expect(state.request({ method: 'POST', path: '/' })).rejects.toEqual(
    failure('upstream_bad_response'),
  )
})

test('the deadline counts over all tries', async () => {
  const { origin, hits } = await upstream((request, response, hit) => {
    if (hit === 1) status(503)(request, response, hit)
  })
  const startedAt = performance.now()

  await expect(
    client(origin, { deadlineMs: 200 }).request({ method: 'GET', path: '/' }),
  ).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT', statusCode: 504 })

  expect(performance.now() - startedAt).toBeLessThan(600)
  expect(hits).toHaveLength(2)
})

test('a body that does not end in time is a time-out', async () => {
  const { origin } = await upstream((_request, response) => {
    response.writeHead(200).write('{')
  })

  await expect(
    client(origin).request({ method: 'GET', path: '/', deadlineMs: 100 }),
  ).rejects.toEqual(failure('upstream_timeout'))
})

test('a caller who gives up aborts the upstream and is no failure of it', async () => {
  const { origin, hits, server } = await upstream(silent)
  let aborted = 0
  server.on('request', (_request, response: ServerResponse) => {
    response.on('close', () => {
      aborted += 1
    })
  })
  const state = client(origin)
  const caller = new AbortController()

  const call = state.request({ method: 'GET', path: '/', signal: caller.signal })
  await vi.waitFor(() => expect(hits).toHaveLength(1))
  caller.abort()

  await expect(call).rejects.toEqual(failure('client_abort'))
  await vi.waitFor(() => expect(aborted).toBe(1))
  expect(state.circuit.snapshot().failures).toBe(0)
})

test('a caller who has given up before costs the upstream nothing', async () => {
  const { origin, hits } = await upstream(status(200))

  await expect(
    client(origin).request({ method: 'GET', path: '/', signal: AbortSignal.abort() }),
  ).rejects.toEqual(failure('client_abort'))

  expect(hits).toHaveLength(0)
})

test('an answer longer than the limit is not taken in', async () => {
  const { origin } = await upstream((_request, response) => response.end('x'.repeat(2000)))

  await expect(
    client(origin).request({ method: 'GET', path: '/', responseLimitBytes: 1000 }),
  ).rejects.toEqual(failure('upstream_bad_response'))
})

test('an answer that is no JSON is a bad response when it is read as such', async () => {
  const { origin } = await upstream((_request, response) => response.end('<html>'))

  const { body } = await client(origin).request({ method: 'GET', path: '/' })

  expect(body.text()).toBe('<html>')
  expect(() => body.json()).toThrow(failure('upstream_bad_response'))
})

test('five failed attempts open the circuit; callers are told at once when to come back', async () => {
  const { origin, hits } = await upstream(status(500))
  const state = client(origin)
  for (let made = 0; made < 5; made += 1) await state.request({ method: 'GET', path: '/' })

  const error = await state.request({ method: 'GET', path: '/' }).catch((thrown: unknown) => thrown)

  expect(error).toMatchObject({
    code: 'UPSTREAM_CIRCUIT_OPEN',
    statusCode: 503,
    reason: 'breaker_open',
    retryAfterSeconds: 60,
  })
  expect(hits).toHaveLength(5)
})

test('answers of 4xx keep the circuit closed', async () => {
  const { origin } = await upstream(status(404))
  const state = client(origin)

  for (let made = 0; made < 20; made += 1) await state.request({ method: 'GET', path: '/' })

  expect(state.circuit.snapshot()).toMatchObject({ state: 'closed', failures: 0 })
})

test('sixty seconds later two successes close it, and the observer saw every state', async () => {
  let code = 503
  const { origin } = await upstream((request, response, hit) =>
    status(code)(request, response, hit),
  )
  const states: string[] = []
  const state = client(origin, {
    maxRetries: 0,
    observe: { circuit: ({ state: entered }) => states.push(entered) },
  })
  for (let made = 0; made < 5; made += 1) await state.request({ method: 'GET', path: '/' })
  code = 200

  state.clock.now += 59_999
  await expect(state.request({ method: 'GET', path: '/' })).rejects.toEqual(failure('breaker_open'))
  state.clock.now += 1
  await state.request({ method: 'GET', path: '/' })
  expect(state.circuit.state).toBe('half_open')
  await state.request({ method: 'GET', path: '/' })

  expect(states).toEqual(['open', 'half_open', 'closed'])
})

test('a retry does not hide the failure that opened the circuit', async () => {
  const { origin, hits } = await upstream(status(503))
  const state = client(origin)
  await state.request({ method: 'GET', path: '/' })

  const second = await state.request({ method: 'GET', path: '/' })

  expect(second.status).toBe(503)
  expect(hits).toHaveLength(5)
})

test('under a load of failures the retries stay inside their budget', async () => {
  const { origin, hits } = await upstream(status(503))
  const denied = vi.fn<() => void>()
  const state = client(origin, {
    breaker: { failureThreshold: 100_000 },
    observe: { retryDenied: denied },
  })

  for (let round = 0; round < 10; round += 1) {
    await Promise.all(Array.from({ length: 30 }, () => state.request({ method: 'GET', path: '/' })))
  }

  expect(hits.length).toBeLessThanOrEqual(300 * 1.25)
  expect(hits.length).toBeGreaterThan(300)
  expect(denied).toHaveBeenCalled()
})

test('without budget an unreachable upstream is reported as such', async () => {
  const state = client(await closedPort(), { retryBudget: { ratio: 0, min: 0 } })

  await expect(state.request({ method: 'GET', path: '/' })).rejects.toMatchObject({
    code: 'UPSTREAM_RETRY_BUDGET_EXHAUSTED',
    statusCode: 503,
    retryAfterSeconds: 1,
    cause: { code: 'UPSTREAM_UNREACHABLE' },
  })
})

test('no more requests are under way than allowed, some wait, the rest is told to come back', async () => {
  const waiting: ServerResponse[] = []
  const { origin, hits } = await upstream((_request, response) => void waiting.push(response))
  const state = client(origin, { maxInFlight: 2, maxQueue: 1 })

  const first = [1, 2, 3].map(() => state.request({ method: 'GET', path: '/' }))
  const refused = state.request({ method: 'GET', path: '/' })
  await expect(refused).rejects.toMatchObject({
    code: 'UPSTREAM_OVERLOADED',
    statusCode: 503,
    retryAfterSeconds: 1,
  })
  await vi.waitFor(() => expect(hits).toHaveLength(2))
  waiting.forEach((response) => response.end('{}'))
  await vi.waitFor(() => expect(hits).toHaveLength(3))
  waiting.at(-1)?.end('{}')

  expect((await Promise.all(first)).map((response) => response.status)).toEqual([200, 200, 200])
  expect(state.circuit.snapshot().failures).toBe(0)
})

test('who waits behind slow requests until the deadline hears of overload, not of a time-out', async () => {
  const { origin, hits } = await upstream(silent)
  const state = client(origin, { maxInFlight: 1, maxQueue: 1 })

  const slow = state.request({ method: 'GET', path: '/', deadlineMs: 400 })
  const queued = state.request({ method: 'GET', path: '/', deadlineMs: 100 })

  await expect(queued).rejects.toEqual(failure('overloaded'))
  await expect(slow).rejects.toEqual(failure('upstream_timeout'))
  expect(hits).toHaveLength(1)
  expect(state.circuit.snapshot().failures).toBe(1)
})

test('what nobody waits for is tried once, opens no circuit and is no probe of an open one', async () => {
  const gone = client(await closedPort())
  const ask = { method: 'GET', path: '/', background: true } as const
  for (let n = 0; n < 20; n += 1) {
    await expect(gone.request(ask)).rejects.toMatchObject({ reason: 'upstream_unreachable' })
  }
  expect(gone.circuit.snapshot()).toMatchObject({ state: 'closed', failures: 0 })

  const { origin, hits } = await upstream((_request, response, hit) =>
    response.writeHead(hit <= 6 ? 503 : 200).end(),
  )
  const state = client(origin, { maxRetries: 0 })
  expect((await state.request(ask)).status).toBe(503)
  expect(hits).toHaveLength(1)
  for (let n = 0; n < 5; n += 1) await state.request({ method: 'GET', path: '/' })
  await expect(state.request(ask)).rejects.toMatchObject({ reason: 'breaker_open' })
  state.clock.now += 60_000
  expect(state.circuit.state).toBe('half_open')
  await expect(state.request(ask)).rejects.toMatchObject({ reason: 'breaker_open' })
  expect(hits).toHaveLength(6)

  await state.request({ method: 'GET', path: '/' })
  await state.request({ method: 'GET', path: '/' })
  expect((await state.request(ask)).status).toBe(200)
})

test('who waits while the circuit opens does not get through', async () => {
  const waiting: ServerResponse[] = []
  const { origin, hits } = await upstream((_request, response) => void waiting.push(response))
  const state = client(origin, { maxInFlight: 1, breaker: { failureThreshold: 1 } })

  const first = state.request({ method: 'POST', path: '/' })
  const queued = [1, 2, 3].map(() => state.request({ method: 'POST', path: '/' }))
  await vi.waitFor(() => expect(waiting).toHaveLength(1))
  waiting[0]?.writeHead(500).end()

  expect((await first).status).toBe(500)
  const outcomes = await Promise.allSettled(queued)
  expect(outcomes.map((outcome) => 'reason' in outcome && outcome.reason)).toEqual(
    queued.map(() => failure('breaker_open')),
  )
  expect(hits).toHaveLength(1)
})

test('callers who left while waiting do not block those behind them', async () => {
  const waiting: ServerResponse[] = []
  const { origin } = await upstream((_request, response) => void waiting.push(response))
  const state = client(origin, { maxInFlight: 1, maxQueue: 5 })
  const caller = new AbortController()

  const first = state.request({ method: 'GET', path: '/' })
  const left = state.request({ method: 'GET', path: '/', signal: caller.signal })
  const behind = state.request({ method: 'GET', path: '/' })
  await vi.waitFor(() => expect(waiting).toHaveLength(1))
  caller.abort()
  await expect(left).rejects.toEqual(failure('client_abort'))
  waiting[0]?.end('{}')
  await first
  await vi.waitFor(() => expect(waiting).toHaveLength(2))
  waiting[1]?.end('{}')

  expect((await behind).status).toBe(200)
})

test('connections are kept alive and reused after failed tries', async () => {
  const { origin, server } = await upstream((request, response, hit) =>
    status(hit % 2 === 1 ? 503 : 200)(request, response, hit),
  )
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  const state = client(origin)

  for (let made = 0; made < 10; made += 1) await state.request({ method: 'GET', path: '/' })

  expect(connections).toBeLessThanOrEqual(2)
})

test('the observer sees each try with its status or reason', async () => {
  const { origin } = await upstream((request, response, hit) => {
    if (hit === 1) status(503)(request, response, hit)
  })
  const attempt = vi.fn<(event: object) => void>()
  const retry = vi.fn<(event: object) => void>()
  const state = client(origin, { observe: { attempt, retry } })

  await state.request({ method: 'GET', path: '/', deadlineMs: 100 }).catch(() => {})

  await vi.waitFor(() => expect(attempt).toHaveBeenCalledTimes(2))
  expect(attempt.mock.calls).toMatchObject([
    [{ upstream: 'state', method: 'GET', status: 503 }],
    [{ upstream: 'state', method: 'GET', reason: 'upstream_timeout' }],
  ])
  expect(retry).toHaveBeenCalledOnce()
})

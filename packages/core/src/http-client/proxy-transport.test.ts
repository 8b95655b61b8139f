import { once } from 'node:events'
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import httpProxy from '@fastify/http-proxy'
import { fastify } from 'fastify'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import problem from '../problem/index.ts'
import {
  carryRequest,
  createHttpClient,
  proxyReplyOptions,
  type HttpClientOptions,
} from './index.ts'
import { selfSigned } from '../testing/certificate.ts'

type Handler = (request: IncomingMessage, response: ServerResponse, hit: number) => void

async function listening(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host)
  await once(server, 'listening')
  return portOf(server.address())
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address.port
}

/** An upstream that answers by its handler, as soon as the head is there, and counts. */
async function upstream(handler: Handler) {
  const seen = { hits: 0, aborted: 0, bytes: 0, headers: [] as IncomingHttpHeaders[] }
  const server = createServer((request, response) => {
    seen.hits += 1
    seen.headers.push(request.headers)
    request.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.byteLength
    })
    response.on('close', () => {
      if (!response.writableFinished) seen.aborted += 1
    })
    handler(request, response, seen.hits)
  })
  const port = await listening(server)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { origin: `http://127.0.0.1:${port}`, seen, server }
}

/** A gateway as small as can be, in front of one upstream. */
async function gateway(origin: string, options: Partial<HttpClientOptions> = {}) {
  const clock = { now: 1_000_000 }
  const client = createHttpClient({
    name: 'state',
    origin,
    log: pino({ level: 'silent' }),
    backOff: { baseMs: 1, maxMs: 2 },
    now: () => clock.now,
    ...options,
  })
  const app = fastify()
  await app.register(problem)
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    await scope.register(httpProxy, {
      upstream: origin,
      undici: client.proxyTransport,
      replyOptions: {
        ...proxyReplyOptions,
        rewriteRequestHeaders: (request, headers) =>
          carryRequest(request, { ...headers, 'x-api-key': 'injected' }),
      },
    })
  })
  app.addHook('preClose', async () => client.endStreams())
  app.addHook('onClose', () => client.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => app.close())
  return { app, client, clock, port: portOf(app.server.address()) }
}

interface Sent extends RequestOptions {
  body?: string | Buffer
}

/** Sends one request and reads the whole answer. */
function send(port: number, { body, ...options }: Sent = {}) {
  return new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>(
    (resolve, reject) => {
      const request = httpRequest({ port, host: '127.0.0.1', agent: false, ...options })
      request.on('error', reject)
      request.on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const { statusCode: status = 0, headers } = response
          resolve({ status, headers, text: Buffer.concat(chunks).toString() })
        })
      })
      request.end(body)
    },
  )
}

function reply(code: number, headers: Record<string, string | string[]> = {}): Handler {
  return (request, response) => {
    request.resume().on('end', () => response.writeHead(code, headers).end(`{"code":${code}}`))
  }
}

const silent: Handler = () => {}

/** Bytes as fast as they are taken. */
function endless(): Readable {
  const chunk = Buffer.alloc(64 * 1024, 'x')
  return new Readable({
    read() {
      this.push(chunk)
    },
  })
}

async function closedPort(): Promise<string> {
  const server = createTcpServer()
  const port = await listening(server)
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

test('a POST answered with 503 hits the upstream once, and the answer comes through', async () => {
  const { origin, seen } = await upstream(reply(503, { 'retry-after': '7' }))
  const { port } = await gateway(origin)

  const answer = await send(port, { method: 'POST', body: '{}' })

  expect(answer).toMatchObject({ status: 503, text: '{"code":503}' })
  expect(answer.headers['retry-after']).toBe('7')
  expect(seen.hits).toBe(1)
})

test('a GET answered with 503 is repeated twice at most, and never beyond the budget', async () => {
  const { origin, seen } = await upstream(reply(503))
  const { port } = await gateway(origin, { breaker: { failureThreshold: 1000 } })

  await send(port)
  expect(seen.hits).toBe(3)
  for (let made = 0; made < 39; made += 1) await send(port)

  expect(seen.hits).toBeLessThanOrEqual(40 * 1.25)
})

test('a refused connection is a 502 problem without the address', async () => {
  const origin = await closedPort()
  const { port } = await gateway(origin)

  const answer = await send(port, { path: '/api/v1/states/task' })

  expect(answer.status).toBe(502)
  expect(answer.headers['content-type']).toBe('application/problem+json')
  expect(JSON.parse(answer.text)).toMatchObject({
    status: 502,
    code: 'UPSTREAM_UNREACHABLE',
    reason: 'upstream_unreachable',
    detail: 'The state service cannot be reached',
  })
  expect(answer.text).not.toContain('127.0.0.1')
})

test('a connection that the upstream resets is a 502', async () => {
  const { origin } = await upstream((request) => request.socket.resetAndDestroy())
  const { port } = await gateway(origin)

  const answer = await send(port, { method: 'POST', body: '{}' })

  expect(answer.status).toBe(502)
  expect(JSON.parse(answer.text)).toMatchObject({ reason: 'upstream_unreachable' })
})

test('a thousand quick requests to a dead upstream leave the process alive', async () => {
  const { port, client } = await gateway(await closedPort())
  const agent = new Agent({ keepAlive: true, maxSockets: 50 })
  onTestFinished(() => agent.destroy())

  const answers = await Promise.all(
    Array.from({ length: 1000 }, () => send(port, { agent, method: 'POST', body: '{}' })),
  )

  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([502, 503]))
  expect(client.circuit.state).toBe('open')
})

test('an upstream that does not answer in time is a 504 and is aborted', async () => {
  const { origin, seen } = await upstream(silent)
  const { port } = await gateway(origin, { deadlineMs: 100 })

  const answer = await send(port)

  expect(answer.status).toBe(504)
  expect(JSON.parse(answer.text)).toMatchObject({
    code: 'UPSTREAM_TIMEOUT',
    reason: 'upstream_timeout',
  })
  await vi.waitFor(() => expect(seen.aborted).toBe(1))
})

test('an open circuit is a 503 with Retry-After at once, without touching the upstream', async () => {
  const { origin, seen } = await upstream(reply(500))
  const { port, client, clock } = await gateway(origin)
  for (let made = 0; made < 5; made += 1) await send(port)
  clock.now += 10_000

  const answer = await send(port)

  expect(answer.status).toBe(503)
  expect(answer.headers['retry-after']).toBe('50')
  expect(JSON.parse(answer.text)).toMatchObject({
    code: 'UPSTREAM_CIRCUIT_OPEN',
    reason: 'breaker_open',
  })
  expect(seen.hits).toBe(5)
  expect(client.circuit.snapshot()).toMatchObject({ state: 'open', retryAfterMs: 50_000 })
})

test('too many requests at a time are a 503 with Retry-After', async () => {
  const { origin, seen } = await upstream(silent)
  const { port } = await gateway(origin, { maxInFlight: 1, maxQueue: 0, deadlineMs: 500 })

  const slow = send(port)
  await vi.waitFor(() => expect(seen.hits).toBe(1))
  const answer = await send(port)

  expect(answer.status).toBe(503)
  expect(answer.headers['retry-after']).toBe('1')
  expect(JSON.parse(answer.text)).toMatchObject({ reason: 'overloaded' })
  expect((await slow).status).toBe(504)
})

test('a client who leaves before the answer aborts the upstream, which is no failure of it', async () => {
  const { origin, seen } = await upstream(silent)
  const { port, client } = await gateway(origin)

  const left = httpRequest({ port, host: '127.0.0.1' }).on('error', () => {})
  left.end()
  await vi.waitFor(() => expect(seen.hits).toBe(1))
  left.destroy()

  await vi.waitFor(() => expect(seen.aborted).toBe(1))
  expect(client.circuit.snapshot()).toMatchObject({ state: 'closed', failures: 0 })
})

test('a client who leaves on a kept-alive connection aborts the upstream too', async () => {
  const { origin, seen } = await upstream((request, response, hit) => {
    if (hit === 1) reply(200)(request, response, hit)
  })
  const { port } = await gateway(origin)
  const agent = new Agent({ keepAlive: true })

  await send(port, { agent })
  const left = httpRequest({ port, host: '127.0.0.1', agent }).on('error', () => {})
  left.end()
  await vi.waitFor(() => expect(seen.hits).toBe(2))
  left.destroy()

  await vi.waitFor(() => expect(seen.aborted).toBe(1))
})

test('a client who leaves in the middle of the answer aborts the upstream', async () => {
  const { origin, seen } = await upstream((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('[')
  })
  const { port } = await gateway(origin)

  const left = httpRequest({ port, host: '127.0.0.1' }).on('error', () => {})
  left.on('response', (response) => response.once('data', () => left.destroy()))
  left.end()

  await vi.waitFor(() => expect(seen.aborted).toBe(1))
})

test('a client who leaves in the middle of its body aborts the upstream, which is no failure of it', async () => {
  const { origin, seen } = await upstream(silent)
  const { port, client } = await gateway(origin)

  const left = httpRequest({ port, host: '127.0.0.1', method: 'POST' }).on('error', () => {})
  left.write('part of it')
  await vi.waitFor(() => expect(seen.bytes).toBe(10))
  left.destroy()

  await vi.waitFor(() => expect(seen.aborted).toBe(1))
  expect(client.circuit.snapshot().failures).toBe(0)
})

test('a chunked body over the limit is a 413 and says nothing about the upstream', async () => {
  const { origin, seen } = await upstream(silent)
  const { port, client } = await gateway(origin, { bodyLimitBytes: 1024 })

  const answer = await send(port, {
    method: 'POST',
    headers: { 'transfer-encoding': 'chunked' },
    body: Buffer.alloc(5000, 'x'),
  })

  expect(answer.status).toBe(413)
  expect(answer.headers['connection']).toBe('close')
  expect(JSON.parse(answer.text)).toMatchObject({
    code: 'UPSTREAM_REQUEST_TOO_LARGE',
    reason: 'body_too_large',
  })
  expect(seen.bytes).toBeLessThanOrEqual(1024)
  expect(client.circuit.snapshot().failures).toBe(0)
})

test('a declared body over the limit is a 413 before the upstream hears of it', async () => {
  const { origin, seen } = await upstream(reply(200))
  const { port } = await gateway(origin, { bodyLimitBytes: 1024 })

  const answer = await send(port, { method: 'POST', body: Buffer.alloc(1025, 'x') })

  expect(answer.status).toBe(413)
  expect(seen.hits).toBe(0)
})

test('a large body within the limit passes as it comes', async () => {
  const { origin, seen } = await upstream(reply(200))
  const { port } = await gateway(origin)

  const declared = await send(port, { method: 'PUT', body: Buffer.alloc(900_000, 'x') })
  const chunked = await send(port, {
    method: 'PUT',
    headers: { 'transfer-encoding': 'chunked' },
    body: Buffer.alloc(900_000, 'x'),
  })

  expect([declared.status, chunked.status]).toEqual([200, 200])
  expect(seen.bytes).toBe(1_800_000)
})

test('a client that is slow to send its body gets a 408, and the circuit does not open for it', async () => {
  const { origin } = await upstream(silent)
  const { port, client } = await gateway(origin, { deadlineMs: 150, bodyBufferBytes: 0 })

  const statuses = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const slow = httpRequest({ port, host: '127.0.0.1', method: 'POST', agent: false })
      slow.on('error', () => {}).write('a little')
      const [response] = await once(slow, 'response')
      slow.destroy()
      return response instanceof Object && 'statusCode' in response && response.statusCode
    }),
  )

  expect(new Set(statuses)).toEqual(new Set([408]))
  expect(client.circuit.snapshot()).toMatchObject({ state: 'closed', failures: 0 })
})

test('a small body that is slow to come costs the upstream nothing', async () => {
  const { origin, seen } = await upstream(silent)
  const { port } = await gateway(origin, { deadlineMs: 100 })

  const slow = httpRequest({
    port,
    host: '127.0.0.1',
    method: 'POST',
    headers: { 'content-length': '10' },
  })
  slow.on('error', () => {}).write('half')
  const [response] = await once(slow, 'response')
  slow.destroy()

  expect(response).toMatchObject({ statusCode: 408 })
  expect(seen.hits).toBe(0)
})

test('a POST with an Idempotency-Key is repeated with its body', async () => {
  const bodies: string[] = []
  const { origin } = await upstream((request, response, hit) => {
    request.setEncoding('utf8').on('data', (text: string) => bodies.push(text))
    reply(hit === 1 ? 503 : 201)(request, response, hit)
  })
  const { port } = await gateway(origin)

  const answer = await send(port, {
    method: 'POST',
    headers: { 'idempotency-key': 'k', 'content-type': 'application/json' },
    body: '{"entityId":"1"}',
  })

  expect(answer.status).toBe(201)
  expect(bodies).toEqual(['{"entityId":"1"}', '{"entityId":"1"}'])
})

test('a body that was not held is never sent twice', async () => {
  const { origin, seen } = await upstream(reply(503))
  const { port } = await gateway(origin)

  await send(port, {
    method: 'PUT',
    headers: { 'transfer-encoding': 'chunked' },
    body: Buffer.alloc(100_000, 'x'),
  })

  expect(seen.hits).toBe(1)
})

test('an answer that comes before the body has been read reaches the client', async () => {
  const { origin } = await upstream((_request, response) =>
    response.writeHead(401, { connection: 'close' }).end('{"code":401}'),
  )
  const { port } = await gateway(origin)

  const answer = await send(port, { method: 'POST', body: Buffer.alloc(500, 'x') })

  expect(answer).toMatchObject({ status: 401, text: '{"code":401}' })
})

test('an event stream passes event by event, its head at once, and no deadline ends it', async () => {
  const streams: ServerResponse[] = []
  const { origin } = await upstream((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    streams.push(response)
  })
  const { port } = await gateway(origin, { deadlineMs: 150 })
  let received = ''
  const reader = httpRequest({ port, host: '127.0.0.1' }).end()

  const [response] = (await once(reader, 'response')) as [IncomingMessage]
  expect(response.headers['content-type']).toBe('text/event-stream')
  response.setEncoding('utf8').on('data', (text: string) => {
    received += text
  })
  streams[0]?.write('id: 1\n\n')
  await vi.waitFor(() => expect(received).toBe('id: 1\n\n'))
  await pause(400)
  streams[0]?.write('id: 2\n\n')

  await vi.waitFor(() => expect(received).toBe('id: 1\n\nid: 2\n\n'))
  reader.destroy()
})

test('closing ends event streams in order instead of waiting for them', async () => {
  const { origin } = await upstream((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('id: 1\n\n')
  })
  const { app, port } = await gateway(origin)
  const reader = httpRequest({ port, host: '127.0.0.1' }).end()
  const [response] = (await once(reader, 'response')) as [IncomingMessage]
  let received = ''
  response.setEncoding('utf8').on('data', (text: string) => {
    received += text
  })
  await vi.waitFor(() => expect(received).toBe('id: 1\n\n'))
  const startedAt = performance.now()

  const ended = once(response, 'end')
  await app.close()
  await ended

  expect(response.complete).toBe(true)
  expect(performance.now() - startedAt).toBeLessThan(500)
})

test('closing with a request under way at a hung upstream ends at its deadline', async () => {
  const { origin, seen } = await upstream(silent)
  const { app, port } = await gateway(origin, { deadlineMs: 300 })
  const pending = send(port)
  await vi.waitFor(() => expect(seen.hits).toBe(1))
  const startedAt = performance.now()

  await app.close()

  expect((await pending).status).toBe(504)
  expect(performance.now() - startedAt).toBeLessThan(1000)
})

test('a body that stalls is cut at the deadline', async () => {
  const { origin, seen } = await upstream((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('[')
  })
  const { port } = await gateway(origin, { deadlineMs: 150 })

  await expect(send(port)).rejects.toMatchObject({ code: 'ECONNRESET' })

  await vi.waitFor(() => expect(seen.aborted).toBe(1))
})

test('a short answer that breaks off is asked for again, and nobody sees half of it', async () => {
  const { origin, seen } = await upstream((_request, response, hit) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '11' })
    if (hit > 1) response.end('{"whole":1}')
    else response.write('{"who', () => response.destroy())
  })
  const { port } = await gateway(origin)

  expect(await send(port)).toMatchObject({ status: 200, text: '{"whole":1}' })
  expect(seen.hits).toBe(2)
})

test('a short answer that stalls is a 504, not half an answer', async () => {
  const { origin, seen } = await upstream((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '11' })
    response.write('{"who')
  })
  const { port } = await gateway(origin, { deadlineMs: 150 })

  expect((await send(port)).status).toBe(504)
  await vi.waitFor(() => expect(seen.aborted).toBe(1))
})

test('a client that reads slowly keeps its answer as long as it reads on', async () => {
  const size = 24 * 1024 * 1024
  const { origin } = await upstream((_request, response) =>
    response.writeHead(200).end(Buffer.alloc(size, 'x')),
  )
  const { port } = await gateway(origin, { deadlineMs: 1000 })
  const reader = httpRequest({ port, host: '127.0.0.1' }).end()
  const [response] = (await once(reader, 'response')) as [IncomingMessage]
  const startedAt = performance.now()
  let received = 0
  let paused = 0

  for await (const chunk of response) {
    received += (chunk as Buffer).byteLength
    if (received > (paused + 1) * (size / 8)) {
      paused += 1
      await pause(250)
    }
  }

  expect(received).toBe(size)
  expect(performance.now() - startedAt).toBeGreaterThan(1000)
})

test('a client that stops reading loses its answer, and the upstream its work', async () => {
  const { origin, seen } = await upstream((_request, response) => endless().pipe(response))
  const { port } = await gateway(origin, { deadlineMs: 150 })
  const reader = httpRequest({ port, host: '127.0.0.1' }).end()

  const [response] = (await once(reader, 'response')) as [IncomingMessage]
  const failed = once(response, 'error')
  await vi.waitFor(() => expect(seen.aborted).toBe(1), { timeout: 5000 })
  response.resume()

  expect(await failed).toMatchObject([{ code: 'ECONNRESET' }])
})

test('headers of one hop end here, in both directions', async () => {
  const { origin, seen } = await upstream(
    reply(200, {
      connection: 'x-secret, close',
      'x-secret': 'mine',
      'keep-alive': 'timeout=5',
      upgrade: 'h2c',
      'proxy-authenticate': 'Basic',
      trailer: 'x-sum',
      'set-cookie': ['a=1', 'b=2'],
      etag: '"1"',
    }),
  )
  const { port } = await gateway(origin)

  const answer = await send(port, {
    method: 'POST',
    headers: {
      connection: 'keep-alive, x-hop, x-api-key',
      'x-hop': '1',
      'keep-alive': 'timeout=5',
      expect: '100-continue',
      te: 'trailers',
      'proxy-authorization': 'Basic eA==',
      'proxy-connection': 'keep-alive',
      'x-kept': '1',
    },
    body: '{}',
  })

  expect(answer.status).toBe(200)
  expect(answer.headers).toMatchObject({ etag: '"1"', 'set-cookie': ['a=1', 'b=2'] })
  for (const name of ['x-secret', 'upgrade', 'proxy-authenticate', 'trailer']) {
    expect(answer.headers).not.toHaveProperty(name)
  }
  expect(seen.headers[0]).toMatchObject({ 'x-api-key': 'injected', 'x-kept': '1' })
  for (const name of ['x-hop', 'expect', 'te', 'proxy-authorization', 'proxy-connection']) {
    expect(seen.headers[0]).not.toHaveProperty(name)
  }
})

test('an upgrade of the protocol is not passed on', async () => {
  const { origin, seen } = await upstream(reply(200))
  const { port } = await gateway(origin)
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())

  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
  const [head] = await once(socket, 'data')

  expect(String(head)).toMatch(/^HTTP\/1\.1 200 /)
  expect(seen.headers[0]).not.toHaveProperty('upgrade')
})

test('a GET with a body is passed on without it', async () => {
  const { origin, seen } = await upstream(reply(200))
  const { port } = await gateway(origin)

  const answer = await send(port, { headers: { 'content-length': '2' }, body: '{}' })

  expect(answer.status).toBe(200)
  expect(seen).toMatchObject({ hits: 1, bytes: 0 })
})

test.each([204, 304])('an answer of %i without body passes', async (code) => {
  const { origin } = await upstream((_request, response) =>
    response.writeHead(code, { etag: '"1"' }).end(),
  )
  const { port } = await gateway(origin)

  expect(await send(port)).toMatchObject({ status: code, text: '', headers: { etag: '"1"' } })
})

test('a HEAD passes with the length of what it stands for', async () => {
  const { origin } = await upstream((_request, response) =>
    response.writeHead(200, { 'content-length': '1234' }).end(),
  )
  const { port } = await gateway(origin)

  const answer = await send(port, { method: 'HEAD' })

  expect(answer).toMatchObject({ status: 200, headers: { 'content-length': '1234' } })
})

test('the upstream is told how long its answer is waited for, whatever the client claims', async () => {
  const { origin, seen } = await upstream(reply(200))
  const { port } = await gateway(origin)

  await send(port, { headers: { 'x-request-timeout-ms': '999999' } })

  expect(Number(seen.headers[0]?.['x-request-timeout-ms'])).toBeLessThanOrEqual(10_000)
})

test('a certificate that nobody vouches for is refused; a trusted one must bear the right name', async () => {
  const server = createTlsServer(selfSigned, (_request, response) => response.end('{}'))
  const upstreamPort = await listening(server, 'localhost')
  onTestFinished(() => void server.close())
  const named = `https://localhost:${upstreamPort}`
  const forwarder = createTcpServer((socket) => {
    socket
      .on('error', () => {})
      .pipe(connect(upstreamPort, 'localhost'))
      .on('error', () => {})
      .pipe(socket)
  })
  const misnamed = `https://127.0.0.1:${await listening(forwarder)}`
  onTestFinished(() => void forwarder.close())

  const unknown = await gateway(named)
  const trusted = await gateway(named, { ca: selfSigned.cert })
  const wrongName = await gateway(misnamed, { ca: selfSigned.cert })

  expect((await send(unknown.port)).status).toBe(502)
  expect((await send(trusted.port)).status).toBe(200)
  expect((await send(wrongName.port)).status).toBe(502)
})

test('a proxy that forgets to carry the request says so instead of never aborting', async () => {
  const { origin, seen } = await upstream(reply(200))
  const client = createHttpClient({ name: 'state', origin, log: pino({ level: 'silent' }) })
  onTestFinished(() => client.close())

  await expect(
    client.proxyTransport.request({ method: 'GET', path: '/', headers: {} }),
  ).rejects.toMatchObject({ code: 'UPSTREAM_PROXIED_REQUEST_MISSING' })

  expect(seen.hits).toBe(0)
})

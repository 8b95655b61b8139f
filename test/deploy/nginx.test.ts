import { readFile } from 'node:fs/promises'
import { connect } from 'node:http2'
import {
  createServer,
  request as plainRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { request as tlsRequest } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findProgram } from '@potok/core/testing/programs'
import { nginxService } from '@potok/core/testing/nginx-server'
import { postgresService } from '@potok/core/testing/postgres-server'
import { redisService, startRedis, type RedisServer } from '@potok/core/testing/redis-server'
import { describeService } from '@potok/core/testing/services'
import { Config as Gateway } from '@potok/gateway/config'
import { freePorts } from '../../scripts/system/ports.ts'
import { root } from '../../scripts/system/root.ts'
import { startTwoGateways } from './gateways.ts'
import { productionEnvironment } from './production-environment.ts'
import { startShippedNginx } from '../../scripts/system/shipped-nginx.ts'

const LIMIT = 150

/** In the place of a gateway. */
async function startServer(listener: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

const needed = {
  name: 'nginx, PostgreSQL, Redis or openssl',
  install: `${nginxService.install} postgresql redis-server openssl`,
  isInstalled: () =>
    [nginxService, postgresService, redisService].every((one) => one.isInstalled()) &&
    findProgram('openssl') !== undefined,
}

describeService(needed, 'the shipped nginx in front of two gateways', () => {
  let redis: RedisServer | undefined
  let system: Awaited<ReturnType<typeof startTwoGateways>>
  let nginx: Awaited<ReturnType<typeof startShippedNginx>>
  let authorization: string
  let token: string

  interface AskOptions {
    method?: string
    headers?: Record<string, string>
    body?: string
    localAddress?: string
  }
  interface Answer {
    status: number
    headers: IncomingMessage['headers']
    body: string
  }

  /** A request as it is written, without the spelling being changed on its way. */
  async function ask(url: string, options: AskOptions = {}): Promise<Answer> {
    const { body, ...rest } = options
    const { protocol, hostname, port } = new URL(url)
    const path = url.slice(url.indexOf('/', 'https://'.length)) || '/'
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const send = protocol === 'https:' ? tlsRequest : plainRequest
      const request = send(
        { hostname, port, path, ca: nginx.certificate, agent: false, ...rest },
        resolve,
      )
      request.on('error', reject)
      request.end(body)
    })
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: await text(response),
    }
  }

  beforeAll(async () => {
    redis = await startRedis()
    system = await startTwoGateways({
      TRUSTED_PROXIES: '127.0.0.1/32',
      THROTTLE_LIMIT: String(LIMIT),
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(redis?.port),
    })
    const portsOf = (name: 'gateway' | 'state'): number[] =>
      system.named(name).map(({ service }) => service.port)
    const [state = 0] = portsOf('state')
    nginx = await startShippedNginx({ gateways: portsOf('gateway'), states: [state, state] })
    const login = await ask(`${nginx.tls}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        username: productionEnvironment.ADMIN_USERNAME,
        password: productionEnvironment.ADMIN_PASSWORD,
      }),
    })
    token = (JSON.parse(login.body) as { access_token: string }).access_token
    authorization = `Bearer ${token}`
  }, 120_000)

  afterAll(async () => {
    await nginx?.stop()
    await system?.stop()
    await redis?.stop()
  })

  test('nginx -t finds nothing to say', () => {
    expect(nginx.checked).toContain('test is successful')
    expect(nginx.checked).not.toMatch(/warn|emerg|error/u)
  })

  test('REST goes over TLS to both gateways, by HTTP/1.1 and by HTTP/2', async () => {
    for (let nth = 0; nth < 6; nth += 1) {
      const { status } = await ask(`${nginx.tls}/api/v1/states/task`, {
        headers: { authorization },
      })
      expect(status).toBe(200)
    }
    const session = connect(nginx.tls, { ca: nginx.certificate })
    const stream = session.request({ ':path': '/api/v1/states/task', authorization })
    const status = await new Promise((resolve) => {
      stream.on('response', (headers) => resolve(headers[':status']))
    })
    await text(stream)
    session.close()

    expect(status).toBe(200)
    const asked = new Set((await nginx.accessLog()).map(({ upstream }) => upstream))
    expect(asked.size).toBe(2)
  })

  test('plain HTTP is sent to TLS', async () => {
    const { status, headers } = await ask(`${nginx.plain}/api/docs?x=1`, {
      headers: { host: 'potok.example.org' },
    })

    expect(status).toBe(308)
    expect(headers.location).toBe('https://potok.example.org/api/docs?x=1')
  })

  test('the correlation id is one in the answer, the access log and the log of the gateway', async () => {
    const own = await ask(`${nginx.tls}/api/v1/auth/profile`, {
      headers: { authorization, 'x-correlation-id': 'of-the-client.1' },
    })
    const made = await ask(`${nginx.tls}/api/v1/auth/profile`, {
      headers: { authorization, 'x-correlation-id': 'not "one"' },
    })

    const id = String(made.headers['x-correlation-id'])
    expect(own.headers['x-correlation-id']).toBe('of-the-client.1')
    expect(id).toMatch(/^[0-9a-f]{32}$/u)
    // Both write their lines some at a time.
    const logged = async () => (await nginx.accessLog()).map(({ correlationId }) => correlationId)
    await expect.poll(logged).toEqual(expect.arrayContaining(['of-the-client.1', id]))
    const lines = () => system.named('gateway').flatMap((one) => one.lines)
    const mentions = () => lines().filter((line) => line.includes(`"correlationId":"${id}"`))
    await expect.poll(mentions).not.toHaveLength(0)
  })

  test('a socket is upgraded and hears of a task', async () => {
    const socket = io(nginx.tls, {
      path: '/api/v1/socket.io',
      transports: ['websocket'],
      auth: { token },
      ca: nginx.certificate,
    })
    const heard = new Promise((resolve) => void socket.once('task:created', resolve))
    const subscribed: unknown = await socket
      .timeout(10_000)
      .emitWithAck('subscribe', { channel: 'tasks' })

    await ask(`${nginx.tls}/api/v1/states/task`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ entityId: 'through-nginx' }),
    })

    expect(subscribed).toMatchObject({ ok: true })
    expect(await heard).toMatchObject({ entity: 'task', id: 'through-nginx' })
    socket.close()
  })

  test('events are streamed one by one, not when a buffer is full', async () => {
    const { hostname, port } = new URL(nginx.tls)
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      tlsRequest(
        {
          hostname,
          port,
          path: '/api/v1/events/stream',
          ca: nginx.certificate,
          headers: { authorization },
        },
        resolve,
      )
        .on('error', reject)
        .end()
    })
    expect(response.headers['content-type']).toMatch(/^text\/event-stream/u)
    const seen = new Promise<string>((resolve) => {
      let all = ''
      response.on('data', (chunk: Buffer) => {
        all += chunk.toString()
        if (all.includes('streamed-1')) resolve(all)
      })
    })

    await ask(`${nginx.tls}/api/v1/states/task`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ entityId: 'streamed-1' }),
    })

    expect(await seen).toContain('streamed-1')
    response.destroy()
  })

  test.each([
    '/api/v1/metrics',
    '/api/v1//metrics',
    '/api/v1/%6Detrics',
    '/api/v1/x/../metrics',
    '/api/v1/health',
    '/api/v1/health/',
    '/api/v1/health?x=1',
    '/api/v1/internal/events',
    '/api/v1/internal/%65vents',
    '//api/v1/internal/events',
  ])('from outside there is no %s', async (path) => {
    const { status, headers, body } = await ask(`${nginx.tls}${path}`)

    expect(status).toBe(404)
    expect(headers['content-type']).toBe('application/problem+json')
    expect(JSON.parse(body)).toMatchObject({ code: 'ROUTE_NOT_FOUND', status: 404 })
  })

  test('the probes are there, and the operator sees health and metrics, but no internal door', async () => {
    const answers = await Promise.all([
      ask(`${nginx.tls}/api/v1/health/liveness`),
      ask(`${nginx.tls}/api/v1/health/readiness`),
      ask(`${nginx.operator}/api/v1/health`),
      ask(`${nginx.operator}/api/v1/metrics`),
      ask(`${nginx.operator}/api/v1/internal/events`, { method: 'POST' }),
    ])

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 404])
  })

  test('inside, the states and the internal door of the gateways are spread, and nothing else', async () => {
    const answers = await Promise.all([
      ask(`${nginx.state}/health/readiness`),
      ask(`${nginx.state}/api/v1/states/task`),
      ask(`${nginx.internal}/api/v1/internal/events`, { method: 'POST' }),
      ask(`${nginx.internal}/api/v1/health`),
    ])

    expect(answers.map(({ status }) => status)).toEqual([200, 401, 401, 404])
  })

  test('an answer to somebody in particular is kept by nobody', async () => {
    const { headers } = await ask(`${nginx.tls}/api/v1/auth/profile`, {
      headers: { authorization },
    })

    expect(headers['cache-control']).toMatch(/no-store|private/u)
  })

  test('a body that is too large is refused in the form of every refusal', async () => {
    const { status, headers, body } = await ask(`${nginx.tls}/api/v1/states/task`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', 'x-correlation-id': 'large' },
      body: 'x'.repeat(Gateway.properties.BODY_LIMIT.default + 1),
    })

    expect(status).toBe(413)
    expect(headers['content-type']).toBe('application/problem+json')
    expect(JSON.parse(body)).toMatchObject({ code: 'REQUEST_TOO_LARGE', correlationId: 'large' })
  })

  test('nginx and the gateway agree on the largest body', async () => {
    const file = await readFile(join(root, 'deploy/nginx/nginx.conf'), 'utf8')

    const [, mebibytes] = /client_max_body_size (\d+)m;/u.exec(file) ?? []
    expect(Number(mebibytes) * 1_048_576).toBe(Gateway.properties.BODY_LIMIT.default)
  })

  test('the limit counts the address of the client, whatever it says of itself', async () => {
    const from = (localAddress: string, claimed?: string): Promise<Answer> =>
      ask(`${nginx.operator}/api/v1/auth/profile`, {
        localAddress,
        headers:
          claimed === undefined ? {} : { 'x-forwarded-for': claimed, forwarded: `for=${claimed}` },
      })
    const statuses = new Set<number>()
    for (let sent = 0; sent <= LIMIT; sent += 15) {
      const answers = await Promise.all(
        Array.from({ length: 15 }, (_, nth) => from('127.0.0.2', `192.0.2.${nth}`)),
      )
      for (const { status } of answers) statuses.add(status)
    }
    const other = await from('127.0.0.3')

    expect([...statuses]).toEqual([401, 429])
    expect(other.status).toBe(401)
  })

  test('a gateway that dies costs no request', async () => {
    const [, victim] = system.named('gateway')
    const statuses: number[] = []
    const answered = async (count: number): Promise<void> => {
      const until = statuses.length + count
      while (statuses.length < until) {
        const { status } = await ask(`${nginx.operator}/api/v1/health/readiness`)
        statuses.push(status)
      }
    }

    await Promise.all([answered(20), victim?.end('SIGKILL')])
    await answered(20)

    expect(new Set(statuses)).toEqual(new Set([200]))
  })

  test('a POST that a gateway broke off is asked of the other one when it carries a key, and only then', async () => {
    const taken: string[] = []
    const breaking = await startServer((request) => request.socket.destroy())
    const answering = await startServer((request, response) => {
      taken.push(request.url ?? '')
      response.end('{}')
    })
    const gateways = [portOf(breaking), portOf(answering)]
    const between = await startShippedNginx({ gateways, states: await freePorts(2) })
    const path = '/api/v1/states/task/a%2Fb?x=1'
    const twice = async (headers: Record<string, string>): Promise<number[]> => {
      const statuses: number[] = []
      for (let nth = 0; nth < 2; nth += 1) {
        const options = { method: 'POST', headers, body: '{}' }
        statuses.push((await ask(`${between.operator}${path}`, options)).status)
      }
      return statuses.toSorted((a, b) => a - b)
    }

    const without = await twice({})
    const withKey = await twice({ 'idempotency-key': 'k 1' })
    await between.stop()
    for (const server of [breaking, answering]) server.close()

    expect(without).toEqual([200, 503])
    expect(withKey).toEqual([200, 200])
    expect(taken).toEqual([path, path, path])
  })

  test('without a gateway there is a refusal, not a page of nginx', async () => {
    const nowhere = await startShippedNginx({
      gateways: await freePorts(2),
      states: await freePorts(2),
    })
    const path = `${nowhere.operator}/api/v1/states/task`
    const answers = [
      await ask(path),
      await ask(path, { method: 'POST', headers: { 'idempotency-key': 'k1' } }),
    ]
    await nowhere.stop()

    for (const { status, headers, body } of answers) {
      expect(status).toBe(503)
      expect(headers['retry-after']).toBe('5')
      expect(JSON.parse(body)).toMatchObject({
        code: 'GATEWAY_UNAVAILABLE',
        reason: 'upstream_unreachable',
      })
    }
  })
})

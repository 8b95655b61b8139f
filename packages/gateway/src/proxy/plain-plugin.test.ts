/** What the plain plugin does with its defaults, and what we do instead: one row each. */
import httpProxy from '@fastify/http-proxy'
import { fastify } from 'fastify'
import { once } from 'node:events'
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type RequestListener,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { expect, onTestFinished, test } from 'vitest'
import { selfSigned } from '@potok/core/testing/certificate'
import { deadOrigin, startGateway } from '../testing/gateway.ts'

const PATH = '/api/v1/tasks'
const BODY_LIMIT = 2048

interface Backend {
  origin: string
  /** Requests to {@link PATH}, with the moment of each, milliseconds. */
  seen: { headers: IncomingHttpHeaders; at: number }[]
  /** Whether the connection of the last one was broken off. */
  isAborted: () => boolean
}

/** What clients reach. */
interface Edge {
  url: string
  headers: Record<string, string>
  close: () => Promise<unknown>
}

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

interface Row {
  name: string
  service?: RequestListener
  secure?: boolean
  /** Nobody listens. */
  dead?: boolean
  /** Is what the edge does right? */
  probe: (edge: Edge, backend: Backend) => Promise<boolean>
}

async function startBackend({
  service = echo,
  secure = false,
  dead = false,
}: Row): Promise<Backend> {
  const seen: Backend['seen'] = []
  let aborted = false
  const listener: RequestListener = (request, response) => {
    if (request.url?.startsWith(PATH) !== true) {
      response.end('{}')
      return
    }
    seen.push({ headers: request.headers, at: performance.now() })
    response.once('close', () => (aborted = !response.writableFinished))
    service(request, response)
  }
  const server = secure ? createTlsServer(selfSigned, listener) : createServer(listener)
  const host = secure ? 'localhost' : '127.0.0.1'
  server.listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const origin = dead ? await deadOrigin() : `${secure ? 'https' : 'http'}://${host}:${port}`
  return { origin, seen, isAborted: () => aborted }
}

const echo: RequestListener = (request, response) => {
  request.resume().once('end', () => response.end('{}'))
}

async function plain(upstream: string): Promise<Edge> {
  const app = fastify({ bodyLimit: BODY_LIMIT })
  await app.register(httpProxy, { upstream, websocket: true })
  onTestFinished(() => void app.close().catch(() => undefined))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { url, headers: {}, close: () => app.close() }
}

async function ours(upstream: string): Promise<Edge> {
  const { url, app, as } = await startGateway({
    TASK_SERVICE_URL: upstream,
    BODY_LIMIT: String(BODY_LIMIT),
    UPSTREAM_TIMEOUT_MS: '700',
  })
  return { url, headers: await as('admin'), close: () => app.close() }
}

function send(
  edge: Edge,
  options: { method?: string; headers?: Record<string, string>; chunks?: string[] } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', chunks = [] } = options
    const headers = { ...edge.headers, ...options.headers }
    const request = httpRequest(`${edge.url}${PATH}`, { method, headers, agent: false })
    request.once('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
      })
    })
    request.once('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: 101, headers: response.headers, body: '' })
    })
    request.on('error', reject)
    for (const chunk of chunks) request.write(chunk)
    request.end()
  })
}

/** Undefined when it takes longer. */
function within<T>(milliseconds: number, work: Promise<T>): Promise<T | undefined> {
  work.catch(() => undefined)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

const unavailable: RequestListener = (_request, response) => {
  response.writeHead(503, { 'retry-after': '5' }).end('{}')
}
const hang: RequestListener = () => undefined

const ROWS: Row[] = [
  {
    name: 'a 503 with Retry-After: 5 is not asked for again within those five seconds',
    service: unavailable,
    probe: async (edge, { seen }) => (await send(edge)).status === 503 && seen.length === 1,
  },
  {
    name: 'a 503 is not multiplied by ten',
    service: (_request, response) => void response.writeHead(503).end(),
    probe: async (edge, { seen }) => (await send(edge)).status === 503 && seen.length <= 3,
  },
  {
    name: 'a refused connection is a 502 without its address',
    dead: true,
    probe: async (edge) => {
      const { status, body } = await send(edge)
      return status === 502 && !body.includes('127.0.0.1')
    },
  },
  {
    name: 'a reset connection is a 502',
    service: (request) => request.socket.resetAndDestroy(),
    probe: async (edge) => (await send(edge)).status === 502,
  },
  {
    name: 'a certificate that nobody vouches for is refused',
    secure: true,
    probe: async (edge, { seen }) => (await send(edge)).status === 502 && seen.length === 0,
  },
  {
    name: 'a client that leaves breaks off the work',
    service: hang,
    probe: async (edge, backend) => {
      const request = httpRequest(`${edge.url}${PATH}`, { headers: edge.headers, agent: false })
      request.on('error', () => undefined).end()
      await expect.poll(() => backend.seen).toHaveLength(1)
      request.destroy()
      return expect
        .poll(backend.isAborted, { timeout: 500 })
        .toBe(true)
        .then(
          () => true,
          () => false,
        )
    },
  },
  {
    name: 'headers of one hop are taken out of the answer',
    service: (_request, response) => {
      response.writeHead(200, {
        connection: 'x-secret',
        'x-secret': '1',
        'proxy-authenticate': 'x',
      })
      response.end('{}')
    },
    probe: async (edge) => {
      const { headers } = await send(edge)
      return headers['x-secret'] === undefined && headers['proxy-authenticate'] === undefined
    },
  },
  ...(['keep-alive', 'upgrade', 'expect'] as const).map((name): Row => {
    const value = { 'keep-alive': 'timeout=5', upgrade: 'h2c', expect: '100-continue' }[name]
    return {
      name: `a request with ${name}: ${value} is served`,
      probe: async (edge) =>
        (
          await send(edge, {
            method: 'POST',
            headers: { [name]: value, 'content-type': 'application/json' },
            chunks: ['{}'],
          })
        ).status === 200,
    }
  }),
  {
    name: 'credentials for a proxy go no further',
    probe: async (edge, { seen }) => {
      await send(edge, { headers: { 'proxy-authorization': 'Basic eA==' } })
      return seen[0] !== undefined && seen[0].headers['proxy-authorization'] === undefined
    },
  },
  {
    name: 'a forged origin and identity go no further',
    probe: async (edge, { seen }) => {
      const forged = { 'x-forwarded-for': '6.6.6.6', 'x-real-ip': '6.6.6.6', x_api_key: 'forged' }
      const { status } = await send(edge, { headers: forged })
      const text = JSON.stringify(seen.map(({ headers }) => headers))
      return status >= 400 || !/6\.6\.6\.6|forged/u.test(text)
    },
  },
  {
    name: 'a chunked body above the limit is a 413',
    probe: async (edge) => {
      const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
      const chunks = Array.from({ length: 5 }, () => ' '.repeat(BODY_LIMIT / 2))
      return (await send(edge, { method: 'POST', headers, chunks })).status === 413
    },
  },
  {
    name: 'a service that hangs is a 504 at the deadline',
    service: hang,
    probe: async (edge) => (await within(3000, send(edge)))?.status === 504,
  },
  {
    name: 'closing does not wait for a service that hangs',
    service: hang,
    probe: async (edge, { seen }) => {
      send(edge).catch(() => undefined)
      await expect.poll(() => seen).toHaveLength(1)
      return (
        (await within(
          3000,
          edge.close().then(() => true),
        )) === true
      )
    },
  },
  {
    name: 'an upgrade is not accepted on behalf of a service that is away',
    dead: true,
    probe: async (edge) => {
      const headers = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      }
      return (await send(edge, { headers })).status !== 101
    },
  },
]

test.each(ROWS)('$name: not by the plain plugin, but by ours', async (row) => {
  const behindPlain = await startBackend(row)
  const behindOurs = await startBackend(row)

  const [byPlain, byOurs] = await Promise.all([
    plain(behindPlain.origin).then((edge) => row.probe(edge, behindPlain)),
    ours(behindOurs.origin).then((edge) => row.probe(edge, behindOurs)),
  ])

  expect({ byPlain, byOurs }).toEqual({ byPlain: false, byOurs: true })
})

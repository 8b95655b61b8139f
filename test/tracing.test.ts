import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { call, login } from '../scripts/system/api.ts'
import { startPrivateSystem, type PrivateSystem } from '../scripts/system/private-system.ts'

interface Span {
  service: string
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  traceState: string | undefined
  name: string
  /** 2 server, 3 client. */
  kind: number
  failed: boolean
  attributes: Record<string, unknown>
}

interface Attribute {
  key: string
  value: Record<string, unknown>
}
interface Export {
  resourceSpans: {
    resource: { attributes: Attribute[] }
    scopeSpans: {
      spans: (Omit<Span, 'attributes'> & { attributes: Attribute[]; status: { code?: number } })[]
    }[]
  }[]
}

const valuesOf = (attributes: Attribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

/** A collector as the specification of OTLP/HTTP has it, JSON only. */
async function startCollector() {
  const spans: Span[] = []
  const headers: NodeJS.Dict<string | string[]>[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      headers.push({ ...request.headers, ':path': request.url })
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Export
      for (const { resource, scopeSpans } of resourceSpans) {
        const service = String(valuesOf(resource.attributes)['service.name'])
        for (const { attributes, status, ...span } of scopeSpans.flatMap((scope) => scope.spans)) {
          const failed = status.code === 2
          spans.push({ ...span, service, failed, attributes: valuesOf(attributes) })
        }
      }
      response.setHeader('content-type', 'application/json').end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    headers,
    /** Waits until so many spans of the trace are there; order is that of the way of the request. */
    async trace(traceId: string, count: number): Promise<Span[]> {
      const found = () => spans.filter((span) => span.traceId === traceId)
      await vi.waitFor(() => expect(found()).toHaveLength(count), { timeout: 15_000 })
      return inOrder(found())
    },
    spans,
    stop: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  }
}

/** Takes connections and never answers. */
async function startFrozen() {
  const server = createServer(() => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, stop: () => server.close().closeAllConnections() }
}

/** Parents before their children. */
function inOrder(spans: Span[]): Span[] {
  const known = new Set(spans.map(({ spanId }) => spanId))
  const depth = (span: Span): number => {
    const { parentSpanId = '' } = span
    if (!known.has(parentSpanId)) return 0
    return 1 + Math.max(...spans.filter((one) => one.spanId === parentSpanId).map(depth))
  }
  return spans.toSorted((a, b) => depth(a) - depth(b))
}

/** Another one each time: a test may be tried once more. */
const newTrace = (): string => randomUUID().replaceAll('-', '')
const KEY = { 'x-api-key': 'gateway-service-key' }
const CALLER = '00f067aa0ba902b7'
const sampled = (traceId: string, flags = '01') => `00-${traceId}-${CALLER}-${flags}`

let collector: Awaited<ReturnType<typeof startCollector>>
let system: PrivateSystem
let authorization: string
beforeAll(async () => {
  collector = await startCollector()
  system = await startPrivateSystem({
    only: ['admin', 'state', 'gateway'],
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=potok%20team',
      // A machine that is busy with other tests is no matter here.
      OVERLOAD_DELAY_MS: '0',
    },
  })
  ;({ authorization } = await login(system.url('gateway')))
}, 120_000)
afterAll(async () => {
  await system?.stop()
  await collector?.stop()
})

const newTask = () => ({ entityId: randomUUID(), status: 'created' })
const createTask = (headers: Record<string, string>, json: object = newTask()) =>
  call(`${system.url('gateway')}/api/v1/states/task`, {
    method: 'POST',
    headers: { authorization, ...headers },
    json,
  })

test('a request through the gateway is one trace over both processes, below the span of its caller', async () => {
  const traceId = newTrace()
  const { status } = await createTask({
    traceparent: sampled(traceId),
    tracestate: 'vendor=1',
    'x-correlation-id': 'corr-7',
  })
  expect(status).toBe(201)

  const [gateway, client, state, ...others] = await collector.trace(traceId, 3)

  expect(others).toEqual([])
  expect(gateway).toMatchObject({
    service: 'potok-gateway-service',
    name: 'POST /api/v1/states/*',
    kind: 2,
    parentSpanId: CALLER,
    traceState: 'vendor=1',
    failed: false,
    attributes: {
      'http.request.method': 'POST',
      'http.response.status_code': 201,
      'url.path': '/api/v1/states/task',
      'potok.correlation_id': 'corr-7',
    },
  })
  expect(client).toMatchObject({
    service: 'potok-gateway-service',
    name: 'POST state',
    kind: 3,
    parentSpanId: gateway?.spanId,
    attributes: { 'http.response.status_code': 201, 'peer.service': 'state' },
  })
  expect(state).toMatchObject({
    service: 'potok-state-management-service',
    name: 'POST /api/v1/states/:entity',
    kind: 2,
    parentSpanId: client?.spanId,
    traceState: 'vendor=1',
    attributes: { 'http.response.status_code': 201, 'potok.correlation_id': 'corr-7' },
  })
})

test('calls of the gateway itself are in the trace too, and no query, no credential', async () => {
  const traceId = newTrace()
  await call(`${system.url('gateway')}/api/v1/auth/login?hint=whisper`, {
    method: 'POST',
    headers: { traceparent: sampled(traceId) },
    json: { username: 'user', password: 'password' },
  })

  const [gateway, client, admin] = await collector.trace(traceId, 3)

  expect(gateway).toMatchObject({ name: 'POST /api/v1/auth/login', parentSpanId: CALLER })
  expect(client).toMatchObject({ name: 'POST admin', parentSpanId: gateway?.spanId })
  expect(admin).toMatchObject({
    service: 'potok-admin-service',
    name: 'POST /api/v1/users/verify',
    parentSpanId: client?.spanId,
  })
  expect(JSON.stringify(collector.spans)).not.toMatch(/whisper|password|Bearer|service-key/u)
})

test('a request without a trace begins one; what the client did wrong is no error of ours, and says why', async () => {
  const { status, headers } = await createTask({}, { status: 'nonsense', unknown: 1 })
  expect(status).toBe(400)
  const correlationId = headers.get('x-correlation-id')

  const mine = await vi.waitFor(
    () => {
      const found = collector.spans.filter(
        ({ attributes }) => attributes['potok.correlation_id'] === correlationId,
      )
      expect(found).toHaveLength(2)
      return found
    },
    { timeout: 15_000 },
  )

  const state = mine.find(({ service }) => service === 'potok-state-management-service')
  expect(state).toMatchObject({ failed: false, attributes: { 'error.type': 'REQUEST_INVALID' } })
  const gateway = mine.find(({ service }) => service === 'potok-gateway-service')
  expect(gateway?.parentSpanId ?? '').toBe('')
  expect(gateway?.traceId).toBe(state?.traceId)
})

test('a caller that does not record is not recorded; probes and scrapes never are', async () => {
  const unwanted = newTrace()
  const marker = newTrace()
  await createTask({ traceparent: sampled(unwanted, '00') })
  await call(`${system.url('gateway')}/api/v1/health/readiness`, {
    headers: { traceparent: sampled(unwanted) },
  })
  await createTask({ traceparent: sampled(marker) })

  await collector.trace(marker, 3)

  expect(collector.spans.filter(({ traceId }) => traceId === unwanted)).toEqual([])
  expect(collector.spans.filter(({ name }) => /health|metrics/u.test(name))).toEqual([])
})

test('the collector is asked as it wants to be, and what waits is sent before a process ends', async () => {
  const last = newTrace()
  await createTask({ traceparent: sampled(last) })
  // Spans are collected for a second; the process does not wait for it.
  const codes = await Promise.all(
    (['gateway', 'state', 'admin'] as const).map((name) => system.process(name).end()),
  )

  expect(codes).toEqual([0, 0, 0])
  expect(await collector.trace(last, 3)).toHaveLength(3)
  expect(collector.headers[0]).toMatchObject({
    ':path': '/v1/traces',
    'content-type': 'application/json',
    'x-tenant': 'potok team',
  })
})

test.each([
  ['away', () => Promise.resolve({ url: 'http://127.0.0.1:1', stop: () => undefined })],
  ['frozen', startFrozen],
])(
  'with the collector %s answers are as ever, the log says it once, and the end is in time',
  async (_how, start) => {
    const gone = await start()
    const lonely = await startPrivateSystem({
      only: ['state'],
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: gone.url,
        OTEL_EXPORTER_OTLP_TIMEOUT: '300',
        OTEL_BSP_MAX_QUEUE_SIZE: '5',
      },
    })
    const { lines } = lonely.process('state')
    const told = (what: string) => lines.filter((line) => line.includes(what))
    const ask = () =>
      call(`${lonely.url('state')}/api/v1/machines`, { headers: KEY }).then(({ status }) => status)
    try {
      // More than may wait: what is too much is dropped, and that is said too.
      await vi.waitFor(
        async () => {
          expect(await Promise.all(Array.from({ length: 20 }, ask))).toEqual(Array(20).fill(200))
          expect(told('traces cannot be sent')).toHaveLength(1)
          expect(told('spans because maxQueueSize reached')).toHaveLength(1)
        },
        { timeout: 20_000, interval: 100 },
      )
      expect(JSON.parse(told('traces cannot be sent')[0] ?? '{}')).toMatchObject({
        level: 'warn',
        context: 'Tracing',
        service: 'potok-state-management-service',
      })
      expect(await Promise.all(Array.from({ length: 20 }, ask))).toEqual(Array(20).fill(200))
      const code = await lonely.process('state').end()
      // With what it said last, should it not have ended well.
      expect({ code, last: code === 0 ? [] : lines.slice(-5) }).toEqual({ code: 0, last: [] })
      expect(told('traces cannot be sent')).toHaveLength(1)
    } finally {
      await lonely.stop()
      gone.stop()
    }
  },
)

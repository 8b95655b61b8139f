import { once } from 'node:events'
import { createServer as createHttpServer, request as ask } from 'node:http'
import { propagation } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { Type } from '@sinclair/typebox'
import { fastify } from 'fastify'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { readConfig } from '../config/index.ts'
import { baseConfig } from '../config/schemas.ts'
import { createHttpClient } from '../http-client/index.ts'
import problem from '../problem/index.ts'
import { createCallSpans } from './call-spans.ts'
import { exportHeaders } from './export-headers.ts'
import { serverSpans } from './server-spans.ts'

const log = pino({ level: 'silent' })
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const traceparent = `00-${TRACE}-${SPAN}-01`

const Config = Type.Object({
  ...baseConfig,
  PORT: Type.Integer({ default: 0 }),
  APP_NAME: Type.String({ default: 'potok-test' }),
})
const configOf = (env: Record<string, string> = {}) => readConfig(Config, env)

function recording() {
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  onTestFinished(() => propagation.disable())
  return { provider, spans: () => exporter.getFinishedSpans() }
}

/** A server whose requests are recorded. */
async function recorded() {
  const { provider, spans } = recording()
  const app = fastify()
  await app.register(problem)
  await serverSpans(app, provider)
  onTestFinished(() => app.close())
  return { app, spans }
}

/** An upstream that answers with these statuses, the last one for ever, and keeps what it was told of the trace. */
async function upstream(...statuses: number[]) {
  const told: (string | undefined)[] = []
  const server = createHttpServer(({ headers }, response) => {
    told.push(headers['traceparent']?.toString())
    response.writeHead(statuses.length > 1 ? (statuses.shift() ?? 200) : (statuses[0] ?? 200)).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return { origin: `http://127.0.0.1:${address.port}`, told }
}

function client(origin: string) {
  const { provider, spans } = recording()
  const made = createHttpClient({
    name: 'state',
    origin,
    log,
    backOff: { baseMs: 1, maxMs: 2 },
    tracing: createCallSpans(provider.getTracer('test')),
  })
  onTestFinished(() => made.close())
  return { request: made.request, spans }
}

test('every try of a call is a span of its own below that of the request, and the upstream learns of that one', async () => {
  const { origin, told } = await upstream(503, 200)
  const { request, spans } = client(origin)

  const { status } = await request({ method: 'GET', path: '/x', headers: { traceparent } })

  expect(status).toBe(200)
  expect(spans()).toMatchObject([
    {
      name: 'GET state',
      parentSpanContext: { traceId: TRACE, spanId: SPAN },
      status: { code: 2 },
      attributes: { 'http.response.status_code': 503, 'error.type': '503' },
    },
    {
      name: 'GET state',
      parentSpanContext: { traceId: TRACE, spanId: SPAN },
      status: { code: 0 },
      attributes: { 'http.response.status_code': 200, 'http.request.resend_count': 1 },
    },
  ])
  expect(told).toEqual(spans().map((span) => `00-${TRACE}-${span.spanContext().spanId}-01`))
})

test('a call without an answer says why, and one that no request asked for is not recorded', async () => {
  const { request, spans } = client('http://127.0.0.1:1')

  await expect(request({ method: 'POST', path: '/x' })).rejects.toThrow(/state/u)
  expect(spans()).toEqual([])
  await expect(request({ method: 'POST', path: '/x', headers: { traceparent } })).rejects.toThrow(
    /state/u,
  )
  expect(spans()).toMatchObject([
    { status: { code: 2 }, attributes: { 'error.type': 'upstream_unreachable' } },
  ])
})

test('a fault of the server is an error with its code; a refusal tells its code and is none', async () => {
  const { app, spans } = await recorded()
  app.get('/broken/:id', async () => {
    throw new Error('connect ECONNREFUSED 10.0.0.1:5432')
  })

  await app.inject('/broken/7')
  await app.inject('/nowhere/7')

  expect(spans()).toMatchObject([
    {
      name: 'GET /broken/:id',
      status: { code: 2, message: 'INTERNAL_ERROR' },
      attributes: { 'url.path': '/broken/7', 'http.response.status_code': 500 },
    },
    {
      name: 'GET',
      status: { code: 0 },
      attributes: { 'error.type': 'ROUTE_NOT_FOUND', 'http.response.status_code': 404 },
    },
  ])
  const told = spans().map(({ events, attributes }) => ({ events, attributes }))
  expect(JSON.stringify(told)).not.toContain('ECONNREFUSED')
})

test('whoever leaves before the answer leaves a span that says so', async () => {
  const { app, spans } = await recorded()
  let leave = (): void => undefined
  app.get('/slow', () => {
    leave()
    return new Promise(() => undefined)
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const request = ask(`${url}/slow`).on('error', () => undefined)
  leave = () => void request.destroy()
  request.end()

  await vi.waitFor(() => expect(spans()).toHaveLength(1))
  expect(spans()).toMatchObject([
    { name: 'GET /slow', attributes: { 'error.type': 'client_abort' } },
  ])
})

test('the headers for the collector are read as its specification has them, or refused by name', () => {
  expect(exportHeaders('authorization=Bearer%20a%2Cb%3D, x-tenant=t')).toEqual({
    authorization: 'Bearer a,b=',
    'x-tenant': 't',
  })
  expect(() => exportHeaders('x=%FF')).toThrow('OTEL_EXPORTER_OTLP_HEADERS')
  expect(() => configOf({ OTEL_EXPORTER_OTLP_HEADERS: 'no value' })).toThrow(
    'OTEL_EXPORTER_OTLP_HEADERS',
  )
  expect(() => configOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' })).toThrow(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
  )
})

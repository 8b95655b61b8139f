import { createServer } from 'node:http'
import { once } from 'node:events'
import { freePort } from '@potok/core/testing/server-process'
import { expect, onTestFinished, test, vi } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { createParser } from '@potok/core/validation'
import { Type } from '@sinclair/typebox'
import { createService } from '../testing/service.ts'
import { callerOf } from '../testing/state-service.ts'
import { discoveryOptions } from '../plugin-options.ts'
import discovery, { type DiscoveryOptions } from './index.ts'
import { parseServices } from './known-services.ts'
import { locate, type Dns } from './resolver.ts'
import { SERVICES, type KnownService } from './schemas.ts'

/** A service that says how it does. Closed when the test is over. */
async function neighbour(path = '/health/readiness') {
  const port = await freePort()
  const state = { port, url: `http://127.0.0.1:${port}`, status: 200 }
  const server = createServer((request, response) => {
    response.statusCode = request.url === path ? state.status : 404
    response.end('{}')
  })
  const close = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  onTestFinished(close)
  return {
    ...state,
    state,
    close,
    async open(): Promise<void> {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
  }
}

/** Names that a test gives, with the addresses that they have at the moment. */
function fakeDns(hosts: Record<string, string[]>, records: Awaited<ReturnType<Dns['srv']>> = []) {
  const dns: Dns = {
    async lookup(host) {
      const found = hosts[host]
      if (found === undefined) throw new Error(`no such name: ${host}`)
      return found
    },
    srv: async () => records,
  }
  return dns
}

async function build(options: Omit<DiscoveryOptions, 'intervalMs'>) {
  const { app } = await createService()
  await app.register(discovery, { intervalMs: 20, ...options })
  await app.ready()
  const call = callerOf(app)
  const items = async (): Promise<KnownService[]> => (await call('GET', 'services')).body.items
  const find = async (name: string) => (await items()).find((item) => item.name === name)
  return { items, find }
}

test('a service is found where its variable says, and does as it says', async () => {
  const one = await neighbour()
  await one.open()
  const { url } = one
  const { find } = await build({ services: parseServices(`task=${url}`) })

  await eventually(async () =>
    expect(await find('task')).toEqual({
      name: 'task',
      url,
      source: 'env',
      addresses: ['127.0.0.1'],
      resolvedAt: expect.any(String) as string,
      status: 'up',
      since: expect.any(String) as string,
      checkedAt: expect.any(String) as string,
      latencyMs: expect.any(Number) as number,
    }),
  )
})

test('health is remembered with the time since when; down and back are seen', async () => {
  const one = await neighbour('/api/v1/health/readiness')
  const { find } = await build({ services: parseServices(`gateway=${one.url}`) })
  await eventually(async () => expect(await find('gateway')).toMatchObject({ status: 'down' }))
  const { since } = (await find('gateway')) ?? {}

  await one.open()
  await eventually(async () => expect(await find('gateway')).toMatchObject({ status: 'up' }))
  expect((await find('gateway'))?.since).not.toBe(since)
  one.state.status = 503
  await eventually(async () => expect(await find('gateway')).toMatchObject({ status: 'down' }))
  one.state.status = 200
  await eventually(async () => expect(await find('gateway')).toMatchObject({ status: 'up' }))
})

test('a service whose name is not known, or that hangs, holds nobody up', async () => {
  const { items } = await build({
    services: parseServices('task=http://task.invalid:3003,ghost=srv:_http._tcp.ghost.invalid'),
    dns: fakeDns({}),
  })

  expect(await items()).toMatchObject([
    { name: 'task', url: 'http://task.invalid:3003', source: 'env', addresses: [] },
    { name: 'ghost', url: null, source: 'dns', addresses: [], latencyMs: null },
  ])
})

test('names are resolved anew: another address, another record', async () => {
  const hosts = { task: ['10.0.0.2', '10.0.0.1'], 'b.internal': ['127.0.0.1'] }
  const records = [{ name: 'b.internal', port: 1, priority: 10 }]
  const { find } = await build({
    services: parseServices('task=http://task:3003,queue=srv:_http._tcp.queue'),
    dns: fakeDns(hosts, records),
  })
  await eventually(async () => {
    expect(await find('task')).toMatchObject({ addresses: ['10.0.0.1', '10.0.0.2'] })
    expect(await find('queue')).toMatchObject({ url: 'http://b.internal:1', source: 'dns' })
  })

  hosts.task = ['10.0.0.9']
  const other = await neighbour()
  await other.open()
  records.unshift({ name: 'b.internal', port: other.port, priority: 0 })

  await eventually(async () => {
    expect(await find('task')).toMatchObject({ addresses: ['10.0.0.9'] })
  })
  expect((await find('queue'))?.url).toBe(`http://b.internal:${other.port}`)
})

test('an address needs no DNS', async () => {
  expect(await locate(fakeDns({}), { url: 'http://[::1]:3000' })).toEqual({
    url: 'http://[::1]:3000',
    addresses: ['::1'],
  })
})

test('the external DB is one of them, with the breaker of our requests, and its recovery is passed on', async () => {
  const admin = await neighbour()
  await admin.open()
  const hurry = vi.fn<() => void>()
  const { config } = await createService({
    env: { EXTERNAL_DB_URL: admin.url, DISCOVERY_SERVICES: 'admin=http://elsewhere:1' },
  })
  const { services } = discoveryOptions(config, {
    find: async () => ({ kind: 'absent' }),
    changed: async () => {},
    circuit: () => 'half_open',
    hurry,
  })
  const { items } = await build({ services })

  await eventually(async () =>
    expect(await items()).toMatchObject([
      { name: 'admin', url: admin.url, status: 'up', circuit: 'half_open' },
    ]),
  )
  expect(hurry).toHaveBeenCalled()
})

test('what is no list of services is refused before it is read', () => {
  const { check } = createParser(Type.String({ pattern: SERVICES }))

  expect(check('gateway=http://gateway:3001,task=srv:_http._tcp.task')).toBe(true)
  expect(['', 'gateway', 'Gateway=http://a', 'a=ftp://b', 'a=http://b c'].filter(check)).toEqual([])
})

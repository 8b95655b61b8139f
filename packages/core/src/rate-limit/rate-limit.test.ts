import { ok } from 'node:assert/strict'
import { fastify, type FastifyRequest } from 'fastify'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import problem from '../problem/index.ts'
import redis, { type RedisLink } from '../redis/index.ts'
import { redisService, startRedis, type RedisServer } from '../testing/redis-server.ts'
import { describeService } from '../testing/services.ts'
import { createCounters } from './counters.ts'
import rateLimit, { addressKey, type RateLimitOptions } from './index.ts'

interface Options extends Partial<RateLimitOptions> {
  server?: RedisServer
}

async function build({ server, ...options }: Options = {}) {
  const clock = { now: 1_000_000 }
  const sent: string[] = []
  const app = fastify({ loggerInstance: pino({ level: 'silent' }) })
  onTestFinished(() => app.close())
  await app.register(problem)
  await app.register(redis, {
    host: server?.host,
    ...(server !== undefined && { port: server.port }),
    observe: (operation, _seconds, outcome) => sent.push(`${operation} ${outcome}`),
  })
  const link = app.redisLinks.get('default')
  await app.register(rateLimit, {
    limit: 3,
    ttlSeconds: 60,
    redis: link,
    now: () => clock.now,
    ...options,
  })
  app.get('/', async () => 'ok')
  app.get('/free', { config: { rateLimit: false } }, async () => 'ok')
  if (link !== undefined) await vi.waitFor(() => ok(link.client.status === 'ready'))

  const get = (remoteAddress = '203.0.113.7', url = '/') => app.inject({ url, remoteAddress })
  const statuses = async (count: number, remoteAddress?: string, url?: string) => {
    const codes: number[] = []
    for (let made = 0; made < count; made += 1) {
      codes.push((await get(remoteAddress, url)).statusCode)
    }
    return codes
  }
  return { app, clock, get, link, sent, statuses }
}

test('every answer tells the policy and what is left of it, in the fields of the current draft', async () => {
  const { clock, get } = await build()

  const first = await get()
  clock.now += 12_300
  const second = await get()

  expect(first.headers).toMatchObject({
    'ratelimit-policy': '"default";q=3;w=60',
    ratelimit: '"default";r=2;t=60',
  })
  expect(second.headers['ratelimit']).toBe('"default";r=1;t=48')
  expect(Object.keys(second.headers).filter((name) => name.startsWith('x-ratelimit'))).toEqual([])
  expect(second.headers).not.toHaveProperty('retry-after')
})

test('the request over the limit is a 429 problem with Retry-After', async () => {
  const { clock, get, statuses } = await build()
  expect(await statuses(3)).toEqual([200, 200, 200])
  clock.now += 20_000

  const refused = await get()

  expect(refused.statusCode).toBe(429)
  expect(refused.headers).toMatchObject({
    'content-type': 'application/problem+json',
    'retry-after': '40',
    'ratelimit-policy': '"default";q=3;w=60',
    ratelimit: '"default";r=0;t=40',
  })
  expect(refused.json()).toMatchObject({
    status: 429,
    code: 'RATE_LIMIT_EXCEEDED',
    reason: 'rate_limited',
    detail: 'Too many requests: try again in 40 s',
  })
})

test('when the window is over the caller starts again', async () => {
  const { clock, statuses } = await build()
  await statuses(5)

  clock.now += 59_999
  expect(await statuses(1)).toEqual([429])
  clock.now += 1

  expect(await statuses(4)).toEqual([200, 200, 200, 429])
})

test('callers do not share a bucket', async () => {
  const { statuses } = await build()
  await statuses(4, '203.0.113.7')

  expect(await statuses(1, '203.0.113.8')).toEqual([200])
})

test('paths that do not exist are counted too', async () => {
  const { statuses } = await build()

  expect(await statuses(4, undefined, '/nowhere')).toEqual([404, 404, 404, 429])
})

test('a route that opted out is neither counted nor refused', async () => {
  const { get, statuses } = await build()
  await statuses(4)

  const free = await get('203.0.113.7', '/free')

  expect(free.statusCode).toBe(200)
  expect(free.headers).not.toHaveProperty('ratelimit')
})

test('what is skipped is not counted', async () => {
  const { statuses } = await build({ skip: ({ ip }) => ip === '127.0.0.1' })

  expect(await statuses(5, '127.0.0.1')).toEqual([200, 200, 200, 200, 200])
})

test('the key is what the process says it is', async () => {
  const { app } = await build({ keyOf: ({ headers }) => String(headers['x-api-key']) })
  const as = (key: string) => app.inject({ url: '/', headers: { 'x-api-key': key } })

  await as('a')
  await as('a')
  await as('a')

  expect((await as('a')).statusCode).toBe(429)
  expect((await as('b')).statusCode).toBe(200)
})

test('a limit of 0 limits nothing', async () => {
  const { get } = await build({ limit: 0 })

  expect((await get()).headers).not.toHaveProperty('ratelimit')
})

test('addresses of one IPv6 /64 are one caller, those of another are not', async () => {
  const { statuses } = await build()

  await statuses(2, '2001:db8:1:2::1')
  await statuses(1, '2001:db8:1:2:ffff:ffff:ffff:ffff')

  expect(await statuses(1, '2001:db8:1:2:abcd::1')).toEqual([429])
  expect(await statuses(1, '2001:db8:1:3::1')).toEqual([200])
})

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:DB8::1', '2001:db8::'],
  ['fe80::1%eth0', 'fe80::'],
  ['::1', '::'],
  ['Unknown', 'unknown'],
  [undefined, 'unknown'],
])('the address %s counts as %s', (ip, key) => {
  expect(addressKey({ ip })).toBe(key)
})

test('a forged address of any length is a short key', () => {
  expect(addressKey({ ip: 'x'.repeat(10_000) })).toHaveLength(128)
})

test('a route can have a limit of its own beside the common one', async () => {
  const { app } = await build({ limit: 100 })
  const nameOf = ({ headers }: FastifyRequest) => headers['x-name']?.toString()
  const login = app.rateLimiter({ name: 'login', limit: 1, ttlSeconds: 900, keyOf: nameOf })
  app.get('/login', { preHandler: login }, async () => 'ok')
  const as = (name?: string) =>
    app.inject({ url: '/login', headers: name === undefined ? {} : { 'x-name': name } })

  const first = await as('anna')
  const second = await as('anna')

  expect(first.headers).toMatchObject({
    'ratelimit-policy': '"default";q=100;w=60, "login";q=1;w=900',
    ratelimit: '"default";r=99;t=60, "login";r=0;t=900',
  })
  expect(second.statusCode).toBe(429)
  expect(second.headers['retry-after']).toBe('900')
  expect((await as('boris')).statusCode).toBe(200)
  expect((await as()).headers['ratelimit-policy']).toBe('"default";q=100;w=60')
})

test('a policy whose name would not fit the header is refused at boot', async () => {
  const { app } = await build()

  expect(() => app.rateLimiter({ name: 'a"b', limit: 1, ttlSeconds: 1, keyOf: () => 'a' })).toThrow(
    'no name of a rate limit policy',
  )
})

test('memory is bounded: the callers seen longest ago are forgotten', async () => {
  const counters = createCounters({
    link: undefined,
    deadlineMs: 25,
    maxKeys: 100,
    now: () => 1_000_000,
  })

  for (let caller = 0; caller < 10_000; caller += 1) await counters.hit(`c${caller}`, 60_000, 3)

  expect(counters.size()).toBe(100)
  expect(await counters.hit('c9999', 60_000, 3)).toMatchObject({ current: 2 })
  expect(await counters.hit('c1', 60_000, 3)).toMatchObject({ current: 1 })
})

describeService(redisService, 'with a Redis', () => {
  async function server() {
    const started = await startRedis()
    ok(started)
    onTestFinished(() => started.stop())
    return started
  }

  /** Redis on this machine may be slow under load; where its deadline is not the subject it gets time. */
  const patient = { commandDeadlineMs: 2000 }

  test('replicas count together', async () => {
    const shared = await server()
    const one = await build({ server: shared, ...patient })
    const two = await build({ server: shared, ...patient })

    expect(await one.statuses(2)).toEqual([200, 200])
    expect(await two.statuses(2)).toEqual([200, 429])

    expect((await one.get()).headers['retry-after']).toMatch(/^(59|60)$/)
  })

  test('a request is one command, and one that is over its limit is none', async () => {
    const { sent, statuses } = await build({ server: await server(), ...patient })

    await statuses(50)

    expect(sent).toEqual(Array.from({ length: 4 }, () => 'rate_limit ok'))
  })

  test('requests that come together are one command, each counted for its own caller', async () => {
    const { link, sent } = await build({ server: await server(), ...patient })
    ok(link)
    const counters = createCounters({ link, deadlineMs: 2000, maxKeys: 1000, now: Date.now })
    const callers = Array.from({ length: 300 }, (_one, n) => `caller ${n % 100}`)

    const counts = await Promise.all(callers.map((key) => counters.hit(key, 60_000, 1000)))

    // More than one command may carry are two.
    expect(sent).toEqual(['rate_limit ok', 'rate_limit ok'])
    expect(counts.map(({ current }) => current)).toEqual(
      callers.map((_key, n) => 1 + Math.floor(n / 100)),
    )
    expect(counts.every(({ ttl }) => ttl > 59_000 && ttl <= 60_000)).toBe(true)
  })

  test('the window ends in Redis as it began', async () => {
    const { link, statuses } = await build({ server: await server(), ttlSeconds: 1, ...patient })
    ok(link)
    await statuses(2)

    const ttl = await link.client.pttl('rate-limit:default:203.0.113.7')

    expect(ttl).toBeGreaterThan(0)
    expect(ttl).toBeLessThanOrEqual(1000)
  })

  test('a counter without an end gets one', async () => {
    const { link, statuses } = await build({ server: await server(), ...patient })
    ok(link)
    await link.client.set('rate-limit:default:203.0.113.7', '1')

    await statuses(1)

    expect(await link.client.pttl('rate-limit:default:203.0.113.7')).toBeGreaterThan(0)
  })

  test('killed: no error, and the limit goes on from where it was', async () => {
    const shared = await server()
    const { link, statuses } = await build({ server: shared, ...patient })
    ok(link)
    await statuses(2)

    await shared.kill()
    await vi.waitFor(() => expect(link.client.status).not.toBe('ready'))

    expect(await statuses(3)).toEqual([200, 429, 429])
  })

  test('restarted empty: who was counted here stays counted', async () => {
    const shared = await server()
    const { link, statuses } = await build({ server: shared, ...patient })
    ok(link)
    await statuses(2)

    await shared.restart()
    await vi.waitFor(() => isBack(link), { timeout: 8000 })

    expect(await statuses(2)).toEqual([200, 429])
  })

  test('frozen under load: no error, one deadline, and the limit holds in this process', async () => {
    const shared = await server()
    const { get, statuses } = await build({ server: shared, limit: 100 })
    await statuses(10)

    shared.pause()
    const startedAt = performance.now()
    const answers = []
    for (let made = 0; made < 120; made += 1) answers.push((await get()).statusCode)
    const spent = performance.now() - startedAt
    shared.resume()

    expect(new Set(answers)).toEqual(new Set([200, 429]))
    const passed = answers.filter((status) => status === 200).length
    expect(passed).toBeLessThanOrEqual(90)
    expect(passed).toBeGreaterThan(80)
    // 120 requests that each waited for their own deadline would take three seconds.
    expect(spent).toBeLessThan(1500)
  })
})

async function isBack(link: RedisLink): Promise<void> {
  expect(await link.status()).toMatchObject({ status: 'up' })
}

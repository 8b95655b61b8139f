import { ok } from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { fastify } from 'fastify'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { freePort } from '../testing/server-process.ts'
import { redisService, startRedis, type RedisServer } from '../testing/redis-server.ts'
import { describeService } from '../testing/services.ts'
import redis, { type RedisOptions } from './index.ts'
import { RedisLink } from './link.ts'

interface Line {
  level: number
  msg: string
  [field: string]: unknown
}

async function build(options: RedisOptions) {
  const lines: Line[] = []
  const loggerInstance = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const app = fastify({ loggerInstance })
  await app.register(redis, options)
  onTestFinished(() => app.close())
  const link = app.redisLinks.get(options.namespace ?? 'default')
  const said = (msg: string) => lines.filter((line) => line.msg === msg)
  return { app, link, said }
}

async function connected(options: Partial<RedisOptions> = {}) {
  const server = await startRedis(
    options.password === undefined ? {} : { password: options.password },
  )
  ok(server)
  onTestFinished(() => server.stop())
  const built = await build({ host: server.host, port: server.port, ...options })
  const { link } = built
  ok(link)
  await vi.waitFor(() => expect(link.client.status).toBe('ready'))
  return { ...built, link, server }
}

/** Long enough for a loaded machine to answer, where the deadline itself is not the subject. */
const patient = { deadlineMs: 2000 }

function pong(link: RedisLink, limits?: { deadlineMs: number }) {
  return link.attempt(
    'ping',
    (client) => client.ping(),
    () => 'fallback',
    limits,
  )
}

test('without a host there is no link, and nothing is opened', async () => {
  const { app, link } = await build({ host: undefined })

  expect(link).toBeUndefined()
  expect(app.hasDecorator('redis')).toBe(false)
})

test('the boot neither waits for a Redis that is not there nor fails on it', async () => {
  const startedAt = performance.now()

  const { app, link } = await build({ host: '127.0.0.1', port: await freePort() })
  await app.ready()

  expect(performance.now() - startedAt).toBeLessThan(1000)
  ok(link)
  expect(await pong(link)).toBe('fallback')
  expect(await link.status()).toEqual({ status: 'down' })
})

test('an outage is logged once, however often the connection is tried', async () => {
  let connections = 0
  const refusing = createServer((socket) => {
    connections += 1
    socket.resetAndDestroy()
  }).listen(0, '127.0.0.1')
  await once(refusing, 'listening')
  onTestFinished(() => void refusing.close())
  const address = refusing.address()
  ok(address !== null && typeof address === 'object')

  const { said } = await build({ host: '127.0.0.1', port: address.port })
  await vi.waitFor(() => expect(connections).toBeGreaterThan(3), { timeout: 5000 })

  expect(said('redis is away: going on without it')).toMatchObject([
    { level: 40, context: 'Redis', redis: 'default' },
  ])
})

describeService(redisService, 'with a Redis', () => {
  test('a command comes back, is timed, and its key carries the prefix', async () => {
    const observe = vi.fn<NonNullable<RedisOptions['observe']>>()
    const { link } = await connected({ keyPrefix: 'potok:', observe })

    await link.run('set', (client) => client.set('a', '1'), patient)
    const keys = await link.run('keys', (client) => client.keys('*'), patient)

    expect(keys).toEqual(['potok:a'])
    expect(observe.mock.calls).toEqual([
      ['set', expect.any(Number), 'ok'],
      ['keys', expect.any(Number), 'ok'],
    ])
  })

  test('the status tells latency and memory', async () => {
    const { link } = await connected()

    expect(await link.status()).toEqual({
      status: 'up',
      latencyMs: expect.any(Number),
      memoryBytes: expect.any(Number),
    })
  })

  test('two namespaces are two connections, to their own databases', async () => {
    const { app, link, server } = await connected({ namespace: 'local' })
    const second = fastify()
    onTestFinished(() => second.close())
    await second.register(redis, { namespace: 'local', host: server.host, port: server.port })
    await second.register(redis, {
      namespace: 'global',
      host: server.host,
      port: server.port,
      db: 1,
    })
    const other = second.redisLinks.get('global')
    ok(other)
    await vi.waitFor(() => expect(other.client.status).toBe('ready'))

    await other.run('set', (client) => client.set('only', 'there'), patient)

    expect(await link.run('get', (client) => client.get('only'), patient)).toBeNull()
    expect(second.redis['global']).toBe(other.client)
    expect(app.redis['local']).toBe(link.client)
  })

  test('a password is given; a wrong one is an outage, not an end', async () => {
    const { server } = await connected({ password: 'right' })

    const { link, said } = await build({ host: server.host, port: server.port, password: 'wrong' })
    ok(link)

    await vi.waitFor(() => expect(said('redis is away: going on without it')).toHaveLength(1))
    expect(await pong(link)).toBe('fallback')
  })

  test('killed it costs nothing but the fallback, and it is used again when it is back', async () => {
    const { link, server, said } = await connected()

    await server.kill()
    await vi.waitFor(() => expect(link.client.status).not.toBe('ready'))
    const startedAt = performance.now()
    const during = await Promise.all(Array.from({ length: 100 }, () => pong(link)))
    const spent = performance.now() - startedAt
    await server.start()
    await vi.waitFor(async () => expect(await pong(link, patient)).toBe('PONG'), { timeout: 8000 })

    expect(new Set(during)).toEqual(new Set(['fallback']))
    expect(spent).toBeLessThan(25)
    expect(said('redis is away: going on without it')).toHaveLength(1)
    expect(said('redis is back')).toMatchObject([{ downMs: expect.any(Number) }])
  })

  test('frozen it costs one deadline, then nothing for a second; resumed it is used again', async () => {
    const { link, server, said } = await connected()
    await pong(link, patient)
    const timed = async () => {
      const startedAt = performance.now()
      const answer = await pong(link)
      return { answer, ms: performance.now() - startedAt }
    }

    server.pause()
    const first = await timed()
    const rest = []
    for (let made = 0; made < 200; made += 1) rest.push(await timed())
    server.resume()
    await vi.waitFor(async () => expect(await pong(link)).toBe('PONG'), { timeout: 8000 })

    expect(first.answer).toBe('fallback')
    expect(first.ms).toBeGreaterThan(24)
    expect(new Set(rest.map(({ answer }) => answer))).toEqual(new Set(['fallback']))
    expect(rest.reduce((sum, { ms }) => sum + ms, 0)).toBeLessThan(100)
    expect(said('redis is away: going on without it')).toHaveLength(1)
    expect(said('redis is back')).toHaveLength(1)
  })

  test('frozen for long its connection is given up, and a new one is used when it is back', async () => {
    const { link, server } = await connected()
    await pong(link, patient)

    server.pause()
    await pong(link)
    await vi.waitFor(() => expect(link.client.status).not.toBe('ready'), { timeout: 5000 })
    expect(await link.status()).toEqual({ status: 'down' })
    server.resume()

    await vi.waitFor(async () => expect(await pong(link, patient)).toBe('PONG'), { timeout: 8000 })
  })

  test('after its rest one command tries Redis, the others do not wait for it', async () => {
    const clock = { now: 1_000_000 }
    const outcomes: string[] = []
    const { link, server } = await frozen(clock, outcomes)

    clock.now += 999
    await pong(link)
    expect(outcomes).toEqual(['timeout'])
    clock.now += 1
    await Promise.all([pong(link), pong(link), pong(link)])

    expect(outcomes).toEqual(['timeout', 'timeout'])
    server.resume()
  })

  test('a command that loses its connection fails at once, and is not sent again later', async () => {
    const { link, server } = await connected()

    const blocked = link.client.blpop('queue', 0).catch((error: unknown) => error)
    await server.kill()

    expect(await blocked).toBeInstanceOf(Error)
  })

  test('whoever wants to know is told that Redis is away', async () => {
    const { link, server } = await connected()
    await server.kill()
    await vi.waitFor(() => expect(link.client.status).not.toBe('ready'))

    await expect(link.run('ping', (client) => client.ping())).rejects.toMatchObject({
      code: 'REDIS_UNAVAILABLE',
      statusCode: 503,
    })
  })

  test('a command that Redis refuses falls back too, and is logged once a minute', async () => {
    const { link, said } = await connected()
    await link.run('set', (client) => client.set('text', 'a'), patient)
    const wrong = () =>
      link.attempt(
        'incr',
        (client) => client.incr('text'),
        () => -1,
        patient,
      )

    expect([await wrong(), await wrong()]).toEqual([-1, -1])

    expect(said('redis refused a command')).toMatchObject([{ level: 50, operation: 'incr' }])
    await expect(link.run('incr', (client) => client.incr('text'), patient)).rejects.toThrow(
      'not an integer',
    )
    expect(await pong(link, patient)).toBe('PONG')
  })

  test('closing the app closes the connection, and is no outage', async () => {
    const { app, link, said } = await connected()

    await app.close()

    await vi.waitFor(() => expect(link.client.status).toBe('end'))
    expect(said('redis is away: going on without it')).toHaveLength(0)
  })
})

/** A link whose Redis just stopped answering, on a clock of its own. */
async function frozen(clock: { now: number }, outcomes: string[]) {
  const server: RedisServer | undefined = await startRedis()
  ok(server)
  onTestFinished(() => server.stop())
  const link = new RedisLink({
    name: 'default',
    host: server.host,
    port: server.port,
    log: pino({ level: 'silent' }),
    now: () => clock.now,
    observe: (_operation, _seconds, outcome) => outcomes.push(outcome),
  })
  onTestFinished(() => link.close())
  await link.client.connect()
  server.pause()
  await pong(link)
  return { link, server }
}

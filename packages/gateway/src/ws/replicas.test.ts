import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import {
  postgresService,
  startPostgres,
  type PostgresServer,
} from '@potok/core/testing/postgres-server'
import { redisService, startRedis, type RedisServer } from '@potok/core/testing/redis-server'
import { describeService } from '@potok/core/testing/services'
import { startGateway } from '../testing/gateway.ts'
import { openSocket, tokenOf } from '../testing/sockets.ts'
import { startStateService } from '../testing/state-service.ts'

const both = {
  name: 'Redis and PostgreSQL',
  install: `${redisService.install}; ${postgresService.install}`,
  isInstalled: () => redisService.isInstalled() && postgresService.isInstalled(),
}

/** Two replicas over one store, and one socket at each. */
async function start(databaseUrl: string, redis?: RedisServer) {
  const state = await startStateService()
  const env = {
    STATE_SERVICE_URL: state.url,
    DATABASE_URL: databaseUrl,
    ...(redis !== undefined && { REDIS_HOST: redis.host, REDIS_PORT: String(redis.port) }),
  }
  const replicas = [await startGateway(env), await startGateway(env)] as const
  const [here, there] = replicas
  const open = async (at: typeof here, name: 'member' | 'manager') => {
    const headers = await at.as(name)
    return { ...openSocket(at.url, { token: tokenOf(headers) }), headers }
  }
  return { state, here, there, open }
}

describeService(both, 'two replicas', () => {
  let postgres: PostgresServer | undefined
  let redis: RedisServer | undefined
  beforeAll(async () => {
    postgres = await startPostgres({ fsync: false })
    redis = await startRedis()
  })
  afterAll(async () => {
    await postgres?.stop()
    await redis?.stop()
  })
  const database = (): string => postgres?.url ?? ''
  const server = (): RedisServer => {
    if (redis === undefined) throw new Error('Redis has not been started')
    return redis
  }

  test('a room message crosses to the other replica, once', async () => {
    const { here, there, open } = await start(database(), server())
    const [writer, reader] = [await open(here, 'member'), await open(there, 'manager')]
    await writer.subscribe('room:r1')
    await reader.subscribe('room:r1')

    // The adapter has no way to say that it listens already.
    const write = async () => {
      await writer.socket.emitWithAck('message', {
        text: `${writer.messages.length}`,
        roomId: 'r1',
      })
      return reader.messages.length
    }
    await expect.poll(write, { interval: 200 }).toBeGreaterThan(1)

    await expect.poll(() => reader.messages.at(-1)?.text).toBe(writer.messages.at(-1)?.text)
    const texts = reader.messages.map(({ text }) => text)
    expect(new Set(texts).size).toBe(texts.length)
  })

  test.each([
    ['with Redis', true, false],
    ['without Redis', false, false],
    ['with a Redis that hangs', true, true],
  ])(
    '%s a session that ends here is closed there within a second, and stays out',
    async (_case, withRedis, hangs) => {
      const { here, there, open } = await start(database(), withRedis ? server() : undefined)
      const client = await open(here, 'member')
      const token = tokenOf(client.headers)
      const elsewhere = openSocket(there.url, { token })
      await Promise.all([client.connected(), elsewhere.connected()])
      onTestFinished(() => server().resume())
      if (hangs) server().pause()

      const endedAt = performance.now()
      await fetch(`${here.url}/api/v1/auth/logout`, { method: 'POST', headers: client.headers })
      await expect
        .poll(() => elsewhere.disconnects, { interval: 10 })
        .toEqual(['io server disconnect'])

      expect(performance.now() - endedAt).toBeLessThan(1000)
      expect(elsewhere.errors).toMatchObject([{ code: 'WS_SESSION_ENDED' }])
      // The token is good by itself for hours: it is the session that does not count any more.
      const again = openSocket(there.url, { token })
      await expect.poll(() => again.refusals).toEqual(['WS_SESSION_ENDED'])
    },
  )

  test.each([
    ['with Redis', true],
    ['without Redis', false],
  ])(
    '%s a notification that is stored here is told there within a second, once',
    async (_case, withRedis) => {
      const { here, there, open } = await start(database(), withRedis ? server() : undefined)
      const reader = await open(there, 'member')
      await reader.connected()
      const headers = { ...(await here.as('manager')), 'content-type': 'application/json' }
      const body = { to: { user: 'member' }, level: 'info', title: 'a', text: 'b' }

      const postedAt = performance.now()
      await fetch(`${here.url}/api/v1/notifications`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      })
      const mine = () => reader.notifications.filter(({ title }) => title === 'a')
      await expect.poll(() => mine().length, { interval: 10 }).toBeGreaterThan(0)

      expect(performance.now() - postedAt).toBeLessThan(1500)
      const [told] = mine()
      await reader.socket.emitWithAck('notification:seen', { id: told?.id ?? '' })
      expect(mine()).toHaveLength(1)
      const again = await open(here, 'member')
      await again.subscribe('tasks')
      expect(again.notifications).toEqual([])
    },
  )

  test('changes of tasks reach both replicas without Redis, in the order of the log', async () => {
    const { state, here, there, open } = await start(database())
    const clients = [await open(here, 'member'), await open(there, 'member')]
    await Promise.all(clients.map((client) => client.subscribe('tasks')))

    for (let n = 0; n < 50; n += 1) state.change('task', `t${n}`, 'created')

    const cursors = state.log.items().map(({ cursor }) => cursor)
    for (const client of clients) await expect.poll(() => client.cursors()).toEqual(cursors)
  })

  test('a client that moves to the other replica resumes there', async () => {
    const { state, here, there, open } = await start(database())
    const client = await open(here, 'member')
    await client.subscribe('tasks')
    for (let n = 0; n < 5; n += 1) state.change('task', `t${n}`, 'created')
    await expect.poll(() => client.cursors()).toHaveLength(5)
    client.socket.close()
    state.change('task', 't9', 'created')

    const moved = await open(there, 'member')
    const answer = await moved.subscribe('tasks', client.cursors()[2])

    expect(answer).toMatchObject({ recovered: true })
    expect(moved.cursors()).toEqual(['e1.4', 'e1.5', 'e1.6'])
  })

  test.each([
    ['is gone', (one: RedisServer) => one.kill(), (one: RedisServer) => one.start()],
    ['hangs', async (one: RedisServer) => one.pause(), async (one: RedisServer) => one.resume()],
  ])(
    'while Redis %s a room goes on here, and over there when it is back',
    async (_case, lose, find) => {
      const { here, there, open } = await start(database(), server())
      const [writer, neighbour] = [await open(here, 'member'), await open(here, 'manager')]
      const reader = await open(there, 'manager')
      for (const client of [writer, neighbour, reader]) await client.subscribe('room:r1')
      const write = (text: string) =>
        writer.socket.timeout(2000).emitWithAck('message', { text, roomId: 'r1' })
      await write('before')
      await lose(server())

      expect(await write('during')).toEqual({ ok: true })
      await expect
        .poll(() => neighbour.messages.map(({ text }) => text), { timeout: 1000 })
        .toContain('during')
      await find(server())

      let n = 0
      const meets = async () => {
        await write(`after ${(n += 1)}`)
        return reader.messages.some(({ text }) => text.startsWith('after'))
      }
      await expect.poll(meets, { timeout: 15_000, interval: 250 }).toBe(true)
      const metrics = await (await fetch(`${here.url}/api/v1/metrics`)).text()
      expect(metrics).toContain('websocket_relay_lost_total')
    },
    40_000,
  )
})

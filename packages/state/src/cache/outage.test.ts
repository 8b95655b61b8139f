import { ok } from 'node:assert/strict'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { redisService, startRedis } from '@potok/core/testing/redis-server'
import { describeService } from '@potok/core/testing/services'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import {
  createCachedService,
  globalRedis,
  localRedis,
  type CachedService,
} from '../testing/cached-service.ts'
import { slowLink } from '../testing/slow-link.ts'

/** How long a request may wait for Redis, by contract. */
const LIMIT_MS = 50

async function redisServer() {
  const server = await startRedis()
  ok(server)
  onTestFinished(() => server.stop())
  return server
}

/** The process may rely on its levels: Redis says that a generation has begun. */
async function settled({ app, call }: CachedService) {
  await eventually(async () => {
    const { body } = await call('GET', '/health')
    expect(body.info.redis.status).toBe('up')
    for (const link of app.redisLinks.values()) {
      expect(await link.client.exists('state:generation')).toBe(1)
    }
  })
}

/** Reads and writes for a while. @returns what no request may exceed: its time without what the machine itself took */
async function traffic(service: CachedService, name: string, rounds = 30) {
  const loop = monitorEventLoopDelay({ resolution: 5 })
  loop.enable()
  let slowest = 0
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now()
    const value = await work()
    slowest = Math.max(slowest, performance.now() - startedAt)
    return value
  }
  for (let round = 1; round <= rounds; round += 1) {
    const id = `${name}-${round}`
    expect(await timed(() => service.write(id, 0))).toBe(1)
    expect(await timed(() => service.read(id))).toMatchObject({ status: 200, version: 1 })
    await timed(() => service.write(id, round))
    // By another level than the memory: as a process that has just come would.
    service.forget()
    const found = await timed(() => service.read(id))
    expect(found).toMatchObject({ status: 200, version: 2, body: { metadata: { n: round } } })
  }
  loop.disable()
  return slowest - loop.max / 1e6
}

/** A service over a Redis as `level`, whose memory can be emptied. */
async function build(env: Record<string, string>) {
  const service = await createCachedService({ env })
  await settled(service)
  return service
}

describeService(redisService, 'a Redis that fails', () => {
  for (const [level, envOf] of [
    ['global', globalRedis],
    ['local', localRedis],
  ] as const) {
    test(`${level}, killed: no request fails or waits, and it is used again when it is back`, async () => {
      const server = await redisServer()
      const service = await build(envOf(server))
      await traffic(service, 'before')

      await server.kill()
      expect(await traffic(service, 'during')).toBeLessThan(LIMIT_MS)
      expect((await service.call('GET', '/health/readiness')).body).toEqual({
        ready: true,
        redis: false,
      })

      await server.start()
      await settled(service)
      expect(await service.call('GET', '/health/readiness')).toMatchObject({
        body: { ready: true, redis: true },
      })
      await eventually(async () => {
        await service.read('during-1')
        service.forget()
        expect(await service.read('during-1')).toMatchObject({ level, version: 2 })
      })
    })

    test(`${level}, frozen: no request fails or waits, and what it missed is not given out later`, async () => {
      const server = await redisServer()
      const service = await build(envOf(server))
      await service.write('stale', 1)
      const [link] = service.app.redisLinks.values()
      ok(link)
      await eventually(async () => expect(await link.client.exists('state:task:stale')).toBe(1))

      server.pause()
      await service.write('stale', 2)
      expect(await traffic(service, 'frozen')).toBeLessThan(LIMIT_MS)
      server.resume()

      for (let times = 0; times < 50; times += 1) {
        service.forget()
        expect(await service.read('stale')).toMatchObject({ version: 2 })
      }
      await settled(service)
      await eventually(async () => {
        service.forget()
        expect(await service.read('stale')).toMatchObject({ version: 2, level })
      })
      // Not only for this process: what Redis holds of the present generation is the newest.
      const [generation, text] = await link.client.mget('state:generation', 'state:task:stale')
      expect(JSON.parse(text ?? '')).toMatchObject({ generation, version: 2 })
    })
  }

  test('both at once frozen: no request waits longer than it may', async () => {
    const [near, far] = [await redisServer(), await redisServer()]
    const service = await build({ ...localRedis(near), ...globalRedis(far) })

    near.pause()
    far.pause()
    expect(await traffic(service, 'both')).toBeLessThan(LIMIT_MS)
    near.resume()
    far.resume()
  })

  test('slow: no request waits longer than it may, and nothing old is given out', async () => {
    const server = await redisServer()
    const wire = await slowLink(server.port)
    const service = await build(globalRedis(wire))
    await traffic(service, 'fast', 5)

    for (const delayMs of [10, 30, 200]) {
      wire.delayMs = delayMs
      expect(await traffic(service, `slow-${delayMs}`), `${delayMs} ms`).toBeLessThan(LIMIT_MS)
    }
    wire.delayMs = 0

    await eventually(async () => {
      service.forget()
      await service.read('slow-200-1')
      service.forget()
      expect(await service.read('slow-200-1')).toMatchObject({ version: 2, level: 'global' })
    })
    expect(await service.app.registry.metrics()).toMatch(
      /cache_errors_total\{level="global"\} [1-9]/u,
    )
  })

  test('while the global level is away the memory keeps things for a short time only', async () => {
    const server = await redisServer()
    const service = await build({ ...globalRedis(server), CACHE_DEGRADED_TTL: '1' })
    await service.write('t1')
    expect(await service.read('t1')).toMatchObject({ level: 'local' })

    await server.kill()
    await eventually(async () => expect(await service.read('t1')).toMatchObject({ level: 'miss' }))
    expect(await service.read('t1')).toMatchObject({ level: 'local' })
  })

  test('without Redis at the start the service starts, and finds it later', async () => {
    const server = await redisServer()
    await server.kill()
    const service = await createCachedService({ env: globalRedis(server) })
    await service.write('t1')
    expect(await service.read('t1')).toMatchObject({ status: 200, level: 'local' })

    await server.start()
    await settled(service)
    await service.write('t1', 1)
    service.forget()

    await eventually(async () => {
      service.forget()
      expect(await service.read('t1')).toMatchObject({ level: 'global', version: 2 })
    })
  })
})

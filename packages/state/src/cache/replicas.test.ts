import { ok } from 'node:assert/strict'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { describePostgres } from '@potok/core/testing/databases'
import { redisService, startRedis } from '@potok/core/testing/redis-server'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { createCachedService, globalRedis, type CachedService } from '../testing/cached-service.ts'

/** Fewer say nothing about the order of answers. */
const ENOUGH_READS = 100
/** So much longer a busy machine may take for them. */
const LONGER_MS = 8000

describePostgres('two replicas', (store) => {
  let one: CachedService
  let other: CachedService

  async function pair(env: Record<string, string> = {}) {
    const place = await store.place()
    return [
      await createCachedService({ place, env }),
      await createCachedService({ place, env }),
    ] as const
  }
  beforeEach(async () => {
    ;[one, other] = await pair()
  })

  test('what one wrote the other gives within a second, and at once to who asks for the store', async () => {
    await one.write('t1')
    await eventually(async () => expect((await other.read('t1')).status).toBe(200))
    const loop = monitorEventLoopDelay({ resolution: 5 })
    loop.enable()
    const took: number[] = []
    for (let version = 2; version <= 6; version += 1) {
      await one.write('t1', version)
      const writtenAt = performance.now()
      await eventually(async () => expect((await other.read('t1')).version).toBe(version))
      took.push(performance.now() - writtenAt)
    }

    loop.disable()
    // Without what the machine itself took from both of them.
    expect(Math.max(...took) - loop.max / 1e6).toBeLessThan(1000)
    await eventually(async () =>
      expect(await other.read('t1')).toMatchObject({ level: 'local', version: 6 }),
    )
    await one.write('t1', 7)
    expect(await other.read('t1', { 'cache-control': 'no-cache' })).toMatchObject({ version: 7 })
  })

  test('what one deleted is gone at the other within a second', async () => {
    await one.write('t1')
    await other.read('t1')
    await one.call('DELETE', 'states/task/t1')

    await eventually(async () => expect((await other.read('t1')).status).toBe(404))
  })

  test('a list that one kept ends when the other writes', async () => {
    const patient = { 'cache-control': 'max-age=60' }
    const list = () => one.call('GET', 'states/task', undefined, patient)
    await one.write('t1')
    await list()
    expect((await list()).headers['x-cache']).toBe('local')

    await other.write('t2')

    await eventually(async () => expect((await list()).body.items).toHaveLength(2))
  })

  test('a pattern that is invalidated at one is forgotten at the other within a second', async () => {
    await one.write('t1')
    await eventually(async () => expect((await other.read('t1')).level).toBe('local'))

    await one.call('POST', 'cache/invalidate', { pattern: 'state:task:*' })

    await eventually(async () => expect((await other.read('t1')).level).toBe('miss'))
  })

  test('while the store is away nothing from memory is given out as if it were new', async () => {
    await one.write('t1')
    await eventually(async () => expect((await other.read('t1')).level).toBe('local'))

    await store.server().shutDown()
    await eventually(async () => expect((await other.read('t1')).status).toBe(503))
    await store.server().start()

    await eventually(async () =>
      expect(await other.read('t1')).toMatchObject({ status: 200, level: 'local' }),
    )
  })

  /**
   * Writers and readers at both; every answer is compared with what its replica gave before.
   * @param ms how long at least; a busy machine goes on until it has read often enough to say anything
   */
  async function traffic(replicas: readonly CachedService[], ms: number) {
    const acknowledged = new Map<string, { version: number; at: number }>()
    const ids = ['a', 'b', 'c']
    const endsAt = performance.now() + ms
    let reads = 0
    let late = 0
    let turnedBack = 0
    const goesOn = (): boolean => {
      const now = performance.now()
      return now < endsAt || (reads <= ENOUGH_READS && now < endsAt + LONGER_MS)
    }
    const write = async (replica: CachedService, n: number) => {
      while (goesOn()) {
        const id = ids[n % ids.length] ?? 'a'
        n += 1
        const version = await replica.write(id, n + Math.random())
        const known = acknowledged.get(id)
        if (version > (known?.version ?? 0))
          acknowledged.set(id, { version, at: performance.now() })
        // The replica that wrote reads its own write.
        if ((await replica.read(id)).version < version) turnedBack += 1
      }
    }
    const read = async (replica: CachedService) => {
      const given = new Map<string, number>()
      while (goesOn()) {
        for (const id of ids) {
          const expected = acknowledged.get(id)
          const isOld = expected !== undefined && performance.now() - expected.at > 1000
          const { status, version } = await replica.read(id)
          if (status !== 200) continue
          reads += 1
          if (version < (given.get(id) ?? 0)) turnedBack += 1
          given.set(id, version)
          if (isOld && version < expected.version) late += 1
        }
        await new Promise((resolve) => void setTimeout(resolve, Math.random() * 5))
      }
    }
    await Promise.all(
      replicas.flatMap((replica, n) => [write(replica, n), read(replica), read(replica)]),
    )
    return { reads, late, turnedBack }
  }

  test('no replica ever gives an older version than it gave before, or than it wrote', async () => {
    const { reads, ...broken } = await traffic([one, other], 3000)

    expect(broken).toEqual({ late: 0, turnedBack: 0 })
    expect(reads).toBeGreaterThan(ENOUGH_READS)
  })

  // oxlint-disable-next-line vitest/no-disabled-tests -- where no Redis is installed
  test.skipIf(!redisService.isInstalled())(
    'with a global Redis that comes and goes neither',
    async () => {
      const server = await startRedis()
      ok(server)
      onTestFinished(() => server.stop())
      const replicas = await pair(globalRedis(server))

      const running = traffic(replicas, 8000)
      const during = async () => {
        await new Promise((resolve) => void setTimeout(resolve, 1500))
        server.pause()
        await new Promise((resolve) => void setTimeout(resolve, 1000))
        server.resume()
        await new Promise((resolve) => void setTimeout(resolve, 1500))
        await server.kill()
        await new Promise((resolve) => void setTimeout(resolve, 500))
        await server.start()
      }
      const [{ reads, ...broken }] = await Promise.all([running, during()])

      expect(broken).toEqual({ late: 0, turnedBack: 0 })
      expect(reads).toBeGreaterThan(ENOUGH_READS)
    },
  )

  // oxlint-disable-next-line vitest/no-disabled-tests -- where no Redis is installed
  test.skipIf(!redisService.isInstalled())(
    'what one has put into the global Redis the other finds there, and copies',
    async () => {
      const server = await startRedis()
      ok(server)
      onTestFinished(() => server.stop())
      const [first, second] = await pair(globalRedis(server))
      await eventually(async () => {
        for (const { call } of [first, second]) {
          expect((await call('GET', '/health')).body.info.redis.status).toBe('up')
        }
      })
      await first.write('t1')

      await eventually(async () => {
        await first.read('t1', { 'cache-control': 'no-cache' })
        second.forget()
        expect(await second.read('t1')).toMatchObject({ level: 'global', version: 1 })
      })
      expect(await second.read('t1')).toMatchObject({ level: 'local', version: 1 })
    },
  )
})

import { ok } from 'node:assert/strict'
import redis, { type RedisLink } from '@potok/core/redis'
import { quietLog } from '@potok/core/testing/databases'
import { redisService, startRedis, type RedisServer } from '@potok/core/testing/redis-server'
import { describeService } from '@potok/core/testing/services'
import { fastify } from 'fastify'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { bodyStamp, floorOf, type Entry } from './entry.ts'
import { GENERATION_KEY, stateKey } from './keys.ts'
import { RedisLevel } from './redis-level.ts'

const NO_TAGS = { keys: [], ttlMs: 0 }

const entryOf = (id: string, version: number): Entry => ({
  stamp: bodyStamp(version),
  version,
  body: `{"entity":"task","entityId":"${id}","version":${version},"status":"created"}`,
})
const placed = (id: string, version: number) => ({
  key: stateKey('task', id),
  entry: entryOf(id, version),
  ttlMs: 60_000,
})
const floor = (id: string, version: number) => ({ ...placed(id, version), entry: floorOf(version) })

describeService(redisService, 'a Redis as a level', () => {
  let server: RedisServer
  beforeAll(async () => {
    const started = await startRedis()
    ok(started)
    server = started
  })
  afterAll(() => server.stop())

  /** A process with this Redis as its global level; ready when it has begun its generation. */
  async function join() {
    const app = fastify()
    onTestFinished(() => app.close())
    await app.register(redis, { namespace: 'global', host: server.host, port: server.port })
    const link = app.redisLinks.get('global')
    ok(link)
    const level = new RedisLevel({
      name: 'global',
      link,
      log: quietLog,
      failed: () => {},
      // Not the subject here, and the machine may be busy.
      readDeadlineMs: 5000,
      writeDeadlineMs: 5000,
    })
    await eventually(() => expect(level.isUp).toBe(true))
    return { level, link }
  }

  async function stored(link: RedisLink, key: string): Promise<string | null> {
    return link.client.get(key)
  }

  test('what one process writes another one reads, under a readable key with a time to live', async () => {
    const one = await join()
    const other = await join()
    await other.level.read('state:task:nothing')
    one.level.renew()
    await eventually(() => expect(one.level.isUp).toBe(true))

    one.level.write([placed('a', 3)], NO_TAGS)

    await eventually(async () => {
      expect(await other.level.read('state:task:a')).toEqual(entryOf('a', 3))
    })
    const text = await stored(one.link, 'state:task:a')
    expect(JSON.parse(text ?? '')).toMatchObject({ version: 3, state: { entityId: 'a' } })
    expect(await one.link.client.pttl('state:task:a')).toBeGreaterThan(50_000)
  })

  test('only what is newer replaces what is there', async () => {
    const { level } = await join()
    const read = () => level.read('state:task:b')

    level.write([placed('b', 2)], NO_TAGS)
    level.fill(placed('b', 1), level.generation)
    await eventually(async () => expect(await read()).toEqual(entryOf('b', 2)))
    level.write([floor('b', 3)], NO_TAGS)
    await eventually(async () => expect((await read())?.body).toBeUndefined())
    level.fill(placed('b', 2), level.generation)
    expect((await read())?.body).toBeUndefined()
    level.fill(placed('b', 3), level.generation)
    await eventually(async () => expect(await read()).toEqual(entryOf('b', 3)))
  })

  test('a tombstone keeps the versions before it away', async () => {
    const { level } = await join()
    const tombstone = { ...placed('gone', 2), entry: { ...entryOf('gone', 2), body: undefined } }

    level.write([tombstone], NO_TAGS)
    level.fill(placed('gone', 1), level.generation)

    await eventually(async () => {
      expect(await level.read('state:task:gone')).toMatchObject({ version: 2, body: undefined })
    })
    level.write([placed('gone', 3)], NO_TAGS)
    await eventually(async () =>
      expect(await level.read('state:task:gone')).toEqual(entryOf('gone', 3)),
    )
  })

  test('what was read before a new generation began does not come into it', async () => {
    const { level } = await join()
    const before = level.generation
    level.renew()
    await eventually(() => expect(level.isUp).toBe(true))

    level.fill(placed('c', 1), before)

    await eventually(async () => {
      expect(await level.read('state:task:c')).toMatchObject({ version: 1, body: undefined })
    })
  })

  test('a generation that another process begins ends what all of them kept', async () => {
    const one = await join()
    const other = await join()
    await one.level.read('state:task:d')
    one.level.write([placed('d', 1)], NO_TAGS)
    await eventually(async () => expect(await other.level.read('state:task:d')).toBeDefined())

    other.level.renew()
    await eventually(() => expect(other.level.isUp).toBe(true))

    expect(await one.level.read('state:task:d')).toBeUndefined()
    // The write of a process that has not heard of it leaves a floor, and from then on it knows.
    one.level.write([placed('d', 2)], NO_TAGS)
    await eventually(async () => expect(await one.level.read('state:task:d')).toBeDefined())
    one.level.fill(placed('d', 2), one.level.generation)
    await eventually(async () =>
      expect(await other.level.read('state:task:d')).toEqual(entryOf('d', 2)),
    )
  })

  test('an emptied Redis is used again at once', async () => {
    const { level, link } = await join()
    await link.client.flushall()

    expect(await level.read('state:task:e')).toBeUndefined()
    level.write([placed('e', 1)], NO_TAGS)
    await eventually(async () => expect(await level.read('state:task:e')).toBeDefined())
    level.fill(placed('e', 1), level.generation)
    await eventually(async () => expect(await level.read('state:task:e')).toEqual(entryOf('e', 1)))
  })

  test('what is no entry of ours is as if it were not there', async () => {
    const { level, link } = await join()
    const { generation } = level
    const texts = [
      'junk',
      '{"generation":"x"}',
      `{"generation":"${generation}","stamp":6,"version":1,"state":{"entity":"task","entityId":"other","version":1}}`,
      `{"generation":"${generation}","stamp":99,"version":1,"state":{"entity":"task","entityId":"f","version":1}}`,
      `{"generation":"${generation}","stamp":6,"version":1,"state":[]}`,
    ]
    const read = []
    for (const text of texts) {
      await link.client.set('state:task:f', text)
      read.push(await level.read('state:task:f'))
    }
    expect(read).toEqual(texts.map(() => undefined))
    level.write([placed('f', 40)], NO_TAGS)
    await eventually(async () => expect(await level.read('state:task:f')).toEqual(entryOf('f', 40)))
  })

  test('keys are removed by a pattern, the generation stays', async () => {
    const { level, link } = await join()
    await link.client.flushall()
    level.renew()
    await eventually(() => expect(level.isUp).toBe(true))
    const many = Array.from({ length: 1200 }, (_, n) => placed(`x${n}`, 1))
    level.write([...many, placed('y', 1)], NO_TAGS)
    await eventually(async () => expect(await link.client.dbsize()).toBe(1202))

    expect(await level.remove('state:task:x*')).toBe(1200)

    expect(await level.read('state:task:y')).toEqual(entryOf('y', 1))
    expect(await level.remove('state:*')).toBe(1)
    expect(await link.client.get(GENERATION_KEY)).toBe(level.generation)
  })

  test('two processes that write, fill and begin anew at random never turn a version back', async () => {
    const processes = [await join(), await join(), await join()]
    const ids = ['r1', 'r2', 'r3']
    const committed = new Map(ids.map((id) => [id, 0]))
    let seed = 7
    let read = 0
    const turnedBack: string[] = []
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((seed / 2_147_483_648) * below)
    }

    /** Readers that asked the store some time ago and are about to keep what it said. */
    const slow: (() => void)[] = []

    async function act({ level }: { level: RedisLevel }): Promise<void> {
      const id = ids[random(ids.length)] ?? 'r1'
      const version = committed.get(id) ?? 0
      const chance = random(100)
      if (chance < 30) {
        committed.set(id, version + 1)
        level.write([placed(id, version + 1)], NO_TAGS)
      } else if (chance < 50 && version > 0) {
        const { generation } = level
        slow.push(() => level.fill(placed(id, version), generation))
      } else if (chance < 65) slow.splice(random(slow.length), 1)[0]?.()
      else if (chance < 68) level.renew()
      else {
        const key = stateKey('task', id)
        const first = await level.read(key)
        const second = await level.read(key)
        if (first?.body === undefined || second === undefined) return
        read += 1
        if (second.version < first.version)
          turnedBack.push(`${id}: ${first.version} to ${second.version}`)
      }
    }
    for (let round = 0; round < 400; round += 1) {
      await Promise.all(processes.map((one) => act(one)))
    }

    expect(turnedBack).toEqual([])
    expect(read).toBeGreaterThan(50)
    for (const id of ids) {
      for (const { level } of processes) level.write([floor(id, committed.get(id) ?? 0)], NO_TAGS)
      await eventually(async () => {
        const entry = await processes[0]?.level.read(stateKey('task', id))
        expect(entry?.version).toBe(committed.get(id))
      })
    }
  })
})

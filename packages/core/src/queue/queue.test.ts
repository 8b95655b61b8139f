import { sql } from 'kysely'
import { expect, test, vi } from 'vitest'
import type { Database, DatabaseLog } from '../database/index.ts'
import { describeDatabases, quietLog, type TestStore } from '../testing/databases.ts'
import {
  createHands,
  createTestQueue,
  HOUR_MS,
  job,
  migrations,
  openTwo,
  put,
  type Payload,
  type Tables,
  type TestQueueOptions,
} from '../testing/queue-fixture.ts'
import type { Settlement } from './index.ts'

const entries = async (database: Database<Tables>): Promise<string[]> => {
  const rows = await database.kysely.selectFrom('log').select('entry').execute()
  return rows.map(({ entry }) => entry)
}

describeDatabases('the queue', (store: TestStore) => {
  const open = () => store.open<Tables>(migrations)

  test('runs what was enqueued, once the transaction is committed', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work })
    queue.start()
    await database.write(async (trx) => {
      await queue.enqueue(trx, [job('a', { key: 'k', payload: { n: 42 } })])
      expect(hands.started).toEqual([])
    })
    await vi.waitFor(() => expect(hands.started).toHaveLength(1))
    expect(hands.started[0]).toMatchObject({ id: 'a', lane: 'lane', key: 'k', payload: { n: 42 } })
    expect(hands.started[0]).toMatchObject({
      attempt: 1,
      leases: 1,
      enqueuedAt: expect.any(Number),
    })
    hands.end('a')
    await vi.waitFor(() => expect(queue.counters().done).toBe(1))
    expect(await queue.find('a')).toBeUndefined()
    expect(await queue.stats()).toEqual([])
  })

  test('a rollback leaves nothing', async () => {
    const database = await open()
    const queue = createTestQueue(database)
    queue.start()
    const failing = database.write(async (trx) => {
      await queue.enqueue(trx, [job('a', { dedupeKey: 'd' })])
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await queue.find('a')).toBeUndefined()
    expect(await put(database, queue, job('a', { dedupeKey: 'd' }))).toEqual(['a'])
  })

  test('refuses a payload that does not fit, before anything is stored', async () => {
    const database = await open()
    const queue = createTestQueue(database)
    await expect(put(database, queue, job('a', { payload: { n: 0.5 } }))).rejects.toMatchObject({
      code: 'VALUE_REFUSED',
    })
    expect(await queue.stats()).toEqual([])
  })

  test('polling finds what nobody was woken for', async () => {
    const [one, other] = await openTwo(store)
    const silent = createTestQueue(one)
    await put(one, silent, job('a'))
    const queue = createTestQueue(other, { pollMs: 20 })
    queue.start()
    await vi.waitFor(() => expect(queue.counters().done).toBe(1))
    await put(one, silent, job('b'))
    await vi.waitFor(() => expect(queue.counters().done).toBe(2))
  })

  test('what is due later runs when it is due, without being polled for', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work })
    queue.start()
    await put(database, queue, job('far', { delayMs: HOUR_MS }), job('near', { delayMs: 100 }))
    expect(await queue.find('near')).toMatchObject({ state: 'scheduled' })
    await vi.waitFor(() => expect(hands.ids()).toEqual(['near']))
    database.setClockOffset(HOUR_MS)
    queue.wake()
    await vi.waitFor(() => expect(hands.ids()).toEqual(['near', 'far']))
  })

  test('a retry waits by the clock of the database and counts', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work })
    queue.start()
    await put(database, queue, job('a'))
    await vi.waitFor(() => expect(hands.started).toHaveLength(1))
    hands.end('a', { status: 'retry', delayMs: HOUR_MS })
    await vi.waitFor(() => expect(queue.counters().retried).toBe(1))
    expect(await queue.find('a')).toMatchObject({ state: 'scheduled', attempt: 2 })
    database.setClockOffset(HOUR_MS - 5000)
    queue.wake()
    await put(database, queue, job('b'))
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a', 'b']))
    database.setClockOffset(HOUR_MS)
    queue.wake()
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a', 'b', 'a']))
    expect(hands.started[2]).toMatchObject({ attempt: 2, leases: 1 })
  })

  test('an error of the worker is logged and is a retry', async () => {
    const database = await open()
    const error = vi.fn<DatabaseLog['error']>()
    const attempts: number[] = []
    const queue = createTestQueue(database, {
      log: { ...quietLog, error },
      errorDelayMs: (attempt) => attempt * 10,
      work: async ({ attempt }) => {
        attempts.push(attempt)
        if (attempt < 3) throw new Error('worker broke')
        return { status: 'done' }
      },
    })
    queue.start()
    await put(database, queue, job('a'))
    await vi.waitFor(() => expect(queue.counters()).toMatchObject({ done: 1, failed: 2 }))
    expect(attempts).toEqual([1, 2, 3])
    expect(error.mock.calls[0]?.[0]).toMatchObject({ job: 'a', lane: 'lane', attempt: 1 })
  })

  test('a dead job is kept with its reason and can be revived', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work })
    queue.start()
    await put(database, queue, job('a', { key: 'k', payload: { n: 7 } }), job('b'))
    await vi.waitFor(() => expect(hands.started).toHaveLength(2))
    hands.end('a', { status: 'dead', reason: 'nobody there' })
    hands.end('b', { status: 'dead', reason: 'nobody there' })
    await vi.waitFor(() => expect(queue.counters().dead).toBe(2))
    expect(await queue.find('a')).toMatchObject({ state: 'dead', reason: 'nobody there', key: 'k' })
    expect(await queue.stats()).toMatchObject([{ lane: 'lane', pending: 0, dead: 2 }])
    const revived = await database.write((trx) => queue.revive(trx, { ids: ['a', 'unknown'] }))
    expect(revived).toEqual(['a'])
    await vi.waitFor(() => expect(hands.started).toHaveLength(3))
    expect(hands.started[2]).toMatchObject({ id: 'a', key: 'k', payload: { n: 7 }, attempt: 1 })
    expect(await database.write((trx) => queue.revive(trx, { lane: 'lane' }))).toEqual(['b'])
  })

  test('jobs of one key run one after another in their order; a retry blocks only its key', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work })
    queue.start()
    const of = (id: string, key: string) => job(id, { key })
    await put(database, queue, of('x1', 'x'), of('x2', 'x'), of('y1', 'y'))
    await put(database, queue, of('x3', 'x'), of('y2', 'y'), job('free'))
    await vi.waitFor(() => expect(hands.ids().toSorted()).toEqual(['free', 'x1', 'y1']))
    expect(await queue.find('x2')).toMatchObject({ state: 'waiting' })
    hands.end('x1', { status: 'retry', delayMs: HOUR_MS })
    hands.end('y1')
    await vi.waitFor(() => expect(hands.ids()).toContain('y2'))
    await vi.waitFor(() => expect(queue.counters().retried).toBe(1))
    database.setClockOffset(HOUR_MS)
    queue.wake()
    await vi.waitFor(() => expect(hands.ids().slice(4)).toEqual(['x1']))
    hands.end('x1', { status: 'dead', reason: 'gives way' })
    await vi.waitFor(() => expect(hands.ids().slice(5)).toEqual(['x2']))
    hands.end('x2')
    await vi.waitFor(() => expect(hands.ids().slice(6)).toEqual(['x3']))
  })

  test('the same key in another lane is another key', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work })
    queue.start()
    await put(database, queue, job('a', { key: 'k' }), job('b', { key: 'k', lane: 'other' }))
    await vi.waitFor(() => expect(hands.ids().toSorted()).toEqual(['a', 'b']))
  })

  test('a later job of a key waits for its time even when it is first in line', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work })
    queue.start()
    await put(database, queue, job('a', { key: 'k' }), job('b', { key: 'k', delayMs: HOUR_MS }))
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a']))
    hands.end('a')
    await vi.waitFor(async () =>
      expect(await queue.find('b')).toMatchObject({ state: 'scheduled' }),
    )
  })

  test('a lane has a limit, and one that hangs does not keep the others waiting', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, {
      concurrency: 8,
      laneLimit: (lane) => (lane === 'hangs' ? 3 : 8),
      work: (given) =>
        given.lane === 'hangs' ? hands.work(given) : Promise.resolve({ status: 'done' }),
    })
    queue.start()
    const backlog = Array.from({ length: 50 }, (_, n) => job(`h${n}`, { lane: 'hangs' }))
    await put(database, queue, ...backlog)
    await vi.waitFor(() => expect(hands.started).toHaveLength(3))
    const others = ['a', 'm', 'z'].flatMap((lane) =>
      Array.from({ length: 20 }, (_, n) => job(`${lane}${n}`, { lane })),
    )
    await put(database, queue, ...others)
    await vi.waitFor(() => expect(queue.counters().done).toBe(60))
    expect(hands.started).toHaveLength(3)
    hands.end('h0')
    await vi.waitFor(() => expect(hands.started).toHaveLength(4))
  })

  test('places are shared between lanes, not given to the first that asks', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { concurrency: 4, work: hands.work })
    const lanes = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const lane of lanes) {
      await put(database, queue, ...[1, 2, 3].map((n) => job(`${lane}${n}`, { lane })))
    }
    queue.start()
    await vi.waitFor(() => expect(hands.started).toHaveLength(4))
    expect(new Set(hands.started.map(({ lane }) => lane)).size).toBe(4)
    for (const id of hands.ids()) hands.end(id)
    await vi.waitFor(() => expect(hands.started).toHaveLength(8))
    expect(new Set(hands.started.slice(0, 8).map(({ lane }) => lane))).toEqual(new Set(lanes))
  })

  test('within a lane the old come first, priority lets overtake, and a retry lets the fresh pass', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { concurrency: 1, work: hands.work })
    await put(database, queue, job('retried'))
    queue.start()
    await vi.waitFor(() => expect(hands.ids()).toEqual(['retried']))
    await put(database, queue, job('first'), job('second'), job('urgent', { priority: 1 }))
    hands.end('retried', { status: 'retry', delayMs: 0 })
    for (const next of ['urgent', 'first', 'second', 'retried']) {
      await vi.waitFor(() => expect(hands.ids().at(-1)).toBe(next))
      hands.end(next)
    }
  })

  test('a retry is not put off for ever by what is fresh', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, {
      concurrency: 1,
      work: hands.work,
      retryYieldMs: 30_000,
    })
    await put(database, queue, job('retried'))
    queue.start()
    await vi.waitFor(() => expect(hands.started).toHaveLength(1))
    await put(database, queue, job('fresh'))
    database.setClockOffset(31_000)
    await put(database, queue, job('later'))
    database.setClockOffset(0)
    hands.end('retried', { status: 'retry', delayMs: 0 })
    for (const next of ['fresh', 'retried', 'later']) {
      await vi.waitFor(() => expect(hands.ids().at(-1)).toBe(next))
      hands.end(next)
    }
  })

  test('a dedupe key is accepted once while it is remembered', async () => {
    const database = await open()
    const queue = createTestQueue(database)
    const once = (id: string) => job(id, { dedupeKey: 'update-1' })
    expect(await put(database, queue, once('a'), once('b'), job('c'))).toEqual(['a', 'c'])
    expect(await put(database, queue, once('d'))).toEqual([])
    database.setClockOffset(23 * HOUR_MS)
    expect(await put(database, queue, once('e'))).toEqual([])
    database.setClockOffset(25 * HOUR_MS)
    expect(await put(database, queue, once('f'))).toEqual(['f'])
  })

  test('concurrent enqueuers of one dedupe key: one is accepted', async () => {
    const [one, other] = await openTwo(store)
    const [first, second] = [createTestQueue(one), createTestQueue(other)]
    const accepted = await Promise.all(
      Array.from({ length: 20 }, (_, n) => {
        const once = job(`j${n}`, { dedupeKey: 'd' })
        return n % 2 === 0 ? put(one, first, once) : put(other, second, once)
      }),
    )
    expect(accepted.flat()).toHaveLength(1)
  })

  test('an id that is not finished is not taken twice', async () => {
    const database = await open()
    const queue = createTestQueue(database)
    expect(await put(database, queue, job('a'), job('a'))).toEqual(['a'])
    expect(await put(database, queue, job('a'), job('b'))).toEqual(['b'])
  })

  test('a held lane keeps its jobs until it is released; what is enqueued meanwhile is held too', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work })
    queue.start()
    await database.write((trx) => queue.hold(trx, 'lane'))
    await put(database, queue, job('a'), job('b'), job('free', { lane: 'other' }))
    await vi.waitFor(() => expect(hands.ids()).toEqual(['free']))
    expect(await queue.find('a')).toMatchObject({ state: 'held' })
    expect(await queue.stats()).toEqual(
      expect.arrayContaining([expect.objectContaining({ lane: 'lane', held: true, pending: 2 })]),
    )
    await database.write((trx) => queue.release(trx, 'lane'))
    await vi.waitFor(() => expect(hands.ids()).toEqual(['free', 'a', 'b']))
  })

  test('however many lanes are held, the one behind them has its turn', async () => {
    const database = await store.open<Tables>(migrations)
    const queue = createTestQueue(database)
    const names = Array.from({ length: 2100 }, (_, n) => `held ${String(n).padStart(4, '0')}`)
    await database.write(async (trx) => {
      for (const lane of names) await queue.hold(trx, lane)
      await queue.enqueue(
        trx,
        names.map((lane) => job(`job of ${lane}`, { lane })),
      )
      await queue.enqueue(trx, [job('free', { lane: 'zz' })])
    })
    queue.start()
    await vi.waitFor(() => {
      queue.wake()
      expect(queue.counters().done).toBe(1)
    }, 20_000)
    expect(await queue.find('free')).toBeUndefined()
  }, 60_000)

  test('a release with a ramp lets few run at first', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work, laneLimit: () => 8 })
    queue.start()
    await database.write((trx) => queue.hold(trx, 'lane'))
    await put(database, queue, ...Array.from({ length: 8 }, (_, n) => job(`j${n}`)))
    await database.write((trx) => queue.release(trx, 'lane', { rampMs: HOUR_MS }))
    await vi.waitFor(() => expect(hands.started).toHaveLength(1))
    database.setClockOffset(HOUR_MS / 2 + 60_000)
    queue.wake()
    await vi.waitFor(() => expect(hands.started).toHaveLength(4))
    database.setClockOffset(HOUR_MS + 60_000)
    queue.wake()
    await vi.waitFor(() => expect(hands.started).toHaveLength(8))
  })

  test('cancelling a lane removes all of it, and what runs settles nothing', async () => {
    const database = await open()
    const hands = createHands()
    const settled = vi.fn<() => Promise<void>>(async () => {})
    const queue = createTestQueue(database, { work: hands.work, settled, laneLimit: () => 1 })
    queue.start()
    await put(database, queue, job('dead'))
    await vi.waitFor(() => expect(hands.started).toHaveLength(1))
    hands.end('dead', { status: 'dead', reason: 'x' })
    await put(database, queue, job('a'), job('b', { key: 'k' }), job('c', { delayMs: HOUR_MS }))
    await vi.waitFor(() => expect(hands.started).toHaveLength(2))
    const calls = settled.mock.calls.length
    expect(await database.write((trx) => queue.cancel(trx, 'lane'))).toBe(3)
    hands.end('a')
    await vi.waitFor(() => expect(queue.counters().lost).toBe(1))
    expect(settled).toHaveBeenCalledTimes(calls)
    expect(await queue.stats()).toEqual([])
    expect(hands.started).toHaveLength(2)
  })

  test('skips what does not run, by id or by key, and lets the next of the key go on', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work })
    queue.start()
    const keyed = (id: string) => job(id, { key: 'k' })
    await put(database, queue, keyed('a'), keyed('b'), keyed('c'), keyed('d'))
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a']))
    const skipped = await database.write((trx) => queue.skip(trx, { ids: ['a', 'b', 'none'] }))
    expect(skipped).toEqual(['b'])
    hands.end('a')
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a', 'c']))
    hands.end('c', { status: 'retry', delayMs: HOUR_MS })
    await vi.waitFor(() => expect(queue.counters().retried).toBe(1))
    expect(await database.write((trx) => queue.skip(trx, { ids: ['c'] }))).toEqual(['c'])
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a', 'c', 'd']))
    await put(database, queue, keyed('e'), keyed('f'))
    const outdated = await database.write((trx) => queue.skip(trx, { lane: 'lane', key: 'k' }))
    expect(outdated.toSorted()).toEqual(['e', 'f'])
  })

  test('the job of a dead process is taken up again after its lease, and a late outcome is refused', async () => {
    const [one, other] = await openTwo(store)
    const [dead, alive] = [createHands(), createHands()]
    const settled = vi.fn<(trx: unknown, all: readonly Settlement<Payload>[]) => Promise<void>>(
      async () => {},
    )
    const first = createTestQueue(one, { work: dead.work, settled, leaseMs: 45_000 })
    first.start()
    await put(one, first, job('a', { key: 'k' }), job('b', { key: 'k' }))
    await vi.waitFor(() => expect(dead.ids()).toEqual(['a']))
    const second = createTestQueue(other, { work: alive.work, leaseMs: 45_000 })
    other.setClockOffset(44_000)
    second.start()
    await vi.waitFor(() => expect(dead.ids()).toEqual(['a']))
    expect(alive.ids()).toEqual([])
    other.setClockOffset(46_000)
    second.wake()
    await vi.waitFor(() => expect(alive.ids()).toEqual(['a']))
    expect(alive.started[0]).toMatchObject({ attempt: 1, leases: 2 })
    dead.end('a', { status: 'dead', reason: 'I was late' })
    await vi.waitFor(() => expect(first.counters().lost).toBe(1))
    expect(settled).not.toHaveBeenCalled()
    expect(await second.find('a')).toMatchObject({ state: 'running' })
    alive.end('a')
    await vi.waitFor(() => expect(second.counters().done).toBe(1))
  })

  test('a job taken up again and again without an outcome is dead, and its owner is told', async () => {
    const database = await open()
    const hands = createHands()
    const settled = vi.fn<(trx: unknown, all: readonly Settlement<Payload>[]) => Promise<void>>(
      async () => {},
    )
    const options = { work: hands.work, settled, leaseMs: 45_000, maxLeases: 3 }
    const queue = createTestQueue(database, options)
    queue.start()
    await put(database, queue, job('a', { key: 'k' }), job('b', { key: 'k' }))
    for (let lease = 1; lease <= 3; lease += 1) {
      await vi.waitFor(() => expect(hands.ids()).toEqual(Array.from({ length: lease }, () => 'a')))
      database.setClockOffset(lease * 46_000)
      queue.wake()
    }
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a', 'a', 'a', 'b']))
    expect(await queue.find('a')).toMatchObject({
      state: 'dead',
      reason: expect.stringMatching('3'),
    })
    const [told] = settled.mock.calls[0]?.[1] ?? []
    expect(told).toMatchObject({ job: { id: 'a' }, outcome: { status: 'dead' } })
  })

  test('the owner writes in the transaction of the settlement', async () => {
    const database = await open()
    const queue = createTestQueue(database, {
      work: async ({ id }) => ({ status: 'done', result: `result of ${id}` }),
      settled: async (trx, all) => {
        const rows = all.map(({ outcome }) => ({ entry: outcome.result ?? '' }))
        await trx.insertInto('log').values(rows).execute()
      },
    })
    queue.start()
    await put(database, queue, job('a'), job('b'))
    await vi.waitFor(() => expect(queue.counters().done).toBe(2))
    expect((await entries(database)).toSorted()).toEqual(['result of a', 'result of b'])
  })

  test('when the owner fails the settlement is rolled back and the job done again; others settle', async () => {
    const database = await open()
    let broken = true
    const runs: string[] = []
    const queue = createTestQueue(database, {
      errorDelayMs: () => 10,
      maxLeases: 1000,
      work: async ({ id }) => {
        runs.push(id)
        return { status: 'done' }
      },
      settled: async (trx, all) => {
        await trx
          .insertInto('log')
          .values(all.map(({ job: { id } }) => ({ entry: id })))
          .execute()
        if (broken && all.some(({ job: { id } }) => id === 'bad')) throw new Error('owner broke')
      },
    })
    await put(database, queue, job('a'), job('bad'), job('c'))
    queue.start()
    await vi.waitFor(() => expect(runs.filter((id) => id === 'bad').length).toBeGreaterThan(1))
    expect((await entries(database)).toSorted()).toEqual(['a', 'c'])
    broken = false
    await vi.waitFor(() => expect(queue.counters().done).toBe(3))
    expect((await entries(database)).toSorted()).toEqual(['a', 'bad', 'c'])
    expect(runs.filter((id) => id !== 'bad')).toEqual(['a', 'c'])
  })

  test('an outcome that can never be stored ends dead and does not run for ever', async () => {
    const database = await open()
    let runs = 0
    const queue = createTestQueue(database, {
      maxLeases: 3,
      errorDelayMs: () => 1,
      work: async () => {
        runs += 1
        return { status: 'done' }
      },
      settled: () => Promise.reject(new Error('owner broke')),
    })
    queue.start()
    await put(database, queue, job('a'))
    await vi.waitFor(async () => expect(await queue.find('a')).toMatchObject({ state: 'dead' }))
    expect(runs).toBe(3)
  })

  test('a payload that an older release wrote and this one refuses is dead, not in the way', async () => {
    const database = await open()
    const queue = createTestQueue(database)
    await put(database, queue, job('a', { key: 'k' }), job('b', { key: 'k' }))
    await database.write((trx) =>
      sql`update queue_jobs set payload = '{"old":true}' where id = 'a'`.execute(trx),
    )
    queue.start()
    await vi.waitFor(() => expect(queue.counters().done).toBe(1))
    expect(await queue.find('a')).toMatchObject({
      state: 'dead',
      reason: expect.stringContaining('payload'),
    })
  })

  test('closing waits for what runs and gives back the rest as if it had not been taken up', async () => {
    const database = await open()
    const hands = createHands()
    const signals: AbortSignal[] = []
    const queue = createTestQueue(database, {
      closeMs: 200,
      concurrency: 3,
      work: (given, { signal }) => {
        signals.push(signal)
        if (given.id !== 'polite') return hands.work(given)
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('asked to end')))
        })
      },
    })
    queue.start()
    await put(database, queue, job('quick'), job('polite'), job('stuck'), job('waits'))
    await vi.waitFor(() => expect(signals).toHaveLength(3))
    const closing = queue.close()
    hands.end('quick')
    await closing
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true, true])
    expect(await queue.find('quick')).toBeUndefined()
    for (const id of ['polite', 'stuck', 'waits']) {
      expect(await queue.find(id)).toMatchObject({ state: 'ready', attempt: 1 })
    }
    const next = createHands()
    createTestQueue(database, { work: next.work }).start()
    await vi.waitFor(() => expect(next.started).toHaveLength(3))
    expect(next.started.map(({ leases }) => leases)).toEqual([1, 1, 1])
  })

  test('a worker is asked to end before its lease does, and its place is free after it', async () => {
    const database = await open()
    const hands = createHands()
    let signal: AbortSignal | undefined
    const queue = createTestQueue(database, {
      concurrency: 1,
      leaseMs: 200,
      work: (given, context) => {
        signal ??= context.signal
        return hands.work(given)
      },
    })
    queue.start()
    await put(database, queue, job('hangs'), job('next', { lane: 'other' }))
    await vi.waitFor(() => expect(signal?.aborted).toBe(true))
    await vi.waitFor(() => expect(hands.ids()).toContain('next'))
  })

  test('removes what is past its retention', async () => {
    const database = await open()
    const options = { deadRetentionMs: HOUR_MS, purgeMs: 20 }
    const queue = createTestQueue(database, {
      ...options,
      work: async () => ({ status: 'dead', reason: 'x' }),
    })
    queue.start()
    await put(database, queue, job('a', { dedupeKey: 'd' }))
    await vi.waitFor(() => expect(queue.counters().dead).toBe(1))
    database.setClockOffset(25 * HOUR_MS)
    await vi.waitFor(async () => {
      expect(await queue.find('a')).toBeUndefined()
      const { rows } = await sql`select dedupe_key from queue_dedupe`.execute(database.kysely)
      expect(rows).toEqual([])
    })
  })

  test('tells what there is in each lane', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work, laneLimit: () => 1 })
    await put(database, queue, job('a'), job('b'), job('c', { delayMs: HOUR_MS }))
    database.setClockOffset(5000)
    queue.start()
    await vi.waitFor(() => expect(hands.started).toHaveLength(1))
    const [stats] = await queue.stats()
    expect(stats).toMatchObject({ lane: 'lane', held: false, pending: 3, running: 1, dead: 0 })
    expect(stats?.oldestMs).toBeGreaterThanOrEqual(5000)
    await put(database, queue, job('d', { lane: 'other' }))
    await vi.waitFor(() => expect(hands.started).toHaveLength(2))
    expect((await queue.stats(['other', 'unknown'])).map(({ lane }) => lane)).toEqual(['other'])
    expect(await queue.totals()).toMatchObject({ pending: 4, running: 2, dead: 0 })
  })

  test('lists what is unfinished by id, by key, and page by page by lane', async () => {
    const database = await open()
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work, laneLimit: () => 1 })
    const keyed = { key: 'k' }
    await put(database, queue, job('a', { payload: { n: 7 } }), job('b', keyed), job('c', keyed))
    await put(database, queue, job('d', { delayMs: HOUR_MS }), job('e', { lane: 'other' }))
    const states = async (query: Parameters<typeof queue.list>[0]) =>
      (await queue.list(query)).map(({ id, state }) => `${id} ${state}`)
    expect(await states({ ids: ['c', 'a', 'unknown'] })).toEqual(['a ready', 'c waiting'])
    expect(await states({ lane: 'lane', key: 'k' })).toEqual(['b ready', 'c waiting'])
    const all = ['a ready', 'b ready', 'c waiting', 'd scheduled']
    expect(await states({ lane: 'lane' })).toEqual(all)
    const [first, second] = await queue.list({ lane: 'lane', limit: 2 })
    expect(JSON.parse(first?.payload ?? '')).toEqual({ n: 7 })
    expect(
      await states({ lane: 'lane', after: second?.after ?? { state: 0, sort: 0, seq: 0 } }),
    ).toEqual(all.slice(2))
    await database.write((trx) => queue.hold(trx, 'lane'))
    expect(await states({ ids: ['a'] })).toEqual(['a held'])
  })

  test('queues of one database do not see each other', async () => {
    const database = await open()
    const [one, other] = [createHands(), createHands()]
    const queue = createTestQueue(database, { work: one.work })
    createTestQueue(database, { name: 'other', work: other.work }).start()
    queue.start()
    await put(database, queue, job('a'))
    await vi.waitFor(() => expect(one.ids()).toEqual(['a']))
    expect(other.ids()).toEqual([])
  })

  test('two replicas: every job has one worker at a time, keys keep their order, lanes their limit', async () => {
    const [one, other] = await openTwo(store)
    const running = new Map<string, number>()
    const seen: { id: string; key: string | null }[] = []
    const faults: string[] = []
    const enter = (name: string, limit: number): void => {
      const count = (running.get(name) ?? 0) + 1
      if (count > limit) faults.push(`${name}: ${count}`)
      running.set(name, count)
    }
    const leave = (name: string): void => void running.set(name, (running.get(name) ?? 0) - 1)
    const options: TestQueueOptions = {
      concurrency: 8,
      laneLimit: () => 5,
      pollMs: 20,
      work: async ({ id, lane, key, attempt }) => {
        const names = [
          [`job ${id}`, 1],
          [`lane ${lane}`, 5],
          [`key ${lane} ${key ?? id}`, 1],
        ] as const
        for (const [name, limit] of names) enter(name, limit)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 4))
        for (const [name] of names) leave(name)
        if (attempt === 1 && Number(id) % 7 === 0) return { status: 'retry', delayMs: 5 }
        seen.push({ id, key: key === null ? null : `${lane} ${key}` })
        return { status: 'done' }
      },
    }
    const [first, second] = [createTestQueue(one, options), createTestQueue(other, options)]
    first.start()
    second.start()
    for (let n = 0; n < 400; n += 20) {
      const jobs = Array.from({ length: 20 }, (_, i) =>
        job(String(n + i), {
          lane: `lane ${i % 4}`,
          ...(i % 2 === 0 ? { key: `key ${i % 3}` } : {}),
        }),
      )
      await (n % 40 === 0 ? put(one, first, ...jobs) : put(other, second, ...jobs))
    }
    const done = (): number => first.counters().done + second.counters().done
    await vi.waitFor(() => expect(done()).toBe(400), 15_000)
    expect(faults).toEqual([])
    expect(seen.map(({ id }) => id).toSorted((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 400 }, (_, n) => String(n)),
    )
    for (const key of new Set(seen.map((each) => each.key))) {
      if (key === null) continue
      const order = seen.filter((each) => each.key === key).map(({ id }) => Number(id))
      expect(order).toEqual(order.toSorted((a, b) => a - b))
    }
  })
})

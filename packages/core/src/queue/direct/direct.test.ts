import { sql } from 'kysely'
import { expect, test, vi } from 'vitest'
import type { Database, DatabaseLog } from '../../database/index.ts'
import {
  describeDatabases,
  describeSqlite,
  quietLog,
  type TestStore,
} from '../../testing/databases.ts'
import {
  createHands,
  createTestQueue,
  HOUR_MS,
  job,
  migrations,
  type Tables,
  type TestQueue,
  type TestQueueOptions,
} from '../../testing/queue-fixture.ts'
import type { NewJob, Settlement } from '../index.ts'

const LIMIT = 80

async function started(
  database: Database<Tables>,
  options: TestQueueOptions = {},
): Promise<TestQueue> {
  const queue = createTestQueue(database, { directLimit: LIMIT, ...options })
  queue.start()
  await queue.started()
  return queue
}

const put = (
  database: Database<Tables>,
  queue: TestQueue,
  ...jobs: NewJob<{ n: number }>[]
): Promise<string[]> => database.write((trx) => queue.enqueue(trx, jobs, { direct: true }))

const numbered = (count: number, lane = 'lane'): NewJob<{ n: number }>[] =>
  Array.from({ length: count }, (_, n) => job(`${lane}-${n}`, { lane, payload: { n } }))

async function stored(database: Database<Tables>): Promise<{ rows: string[]; bundles: number }> {
  const read = <Row>(query: ReturnType<typeof sql<Row>>) => query.execute(database.kysely)
  const { rows } = await read(sql<{ id: string }>`select id from queue_jobs order by seq`)
  const bundles = await read(sql<{ count: number }>`select count(*) as count from queue_bundles`)
  const texts = await read(sql<{ count: number }>`select count(*) as count from queue_bundle_jobs`)
  expect(texts.rows).toEqual(bundles.rows)
  return { rows: rows.map(({ id }) => id), bundles: bundles.rows[0]?.count ?? -1 }
}

const nothing = { rows: [], bundles: 0 }

describeSqlite('jobs that go directly to their workers', (store: TestStore) => {
  const open = () => store.open<Tables>(migrations)

  test('run right after the commit, and are one row together until the last is done', async () => {
    const database = await open()
    const hands = createHands()
    const queue = await started(database, { work: hands.work })
    await database.write(async (trx) => {
      const ids = await queue.enqueue(trx, numbered(3), { direct: true })
      expect(ids).toEqual(['lane-0', 'lane-1', 'lane-2'])
      expect(hands.started).toEqual([])
    })
    await vi.waitFor(() => expect(hands.ids()).toEqual(['lane-0', 'lane-1', 'lane-2']))
    expect(hands.started[2]).toEqual({
      id: 'lane-2',
      lane: 'lane',
      key: null,
      payload: { n: 2 },
      attempt: 1,
      leases: 1,
      enqueuedAt: expect.any(Number),
    })
    hands.end('lane-1')
    hands.end('lane-0')
    await vi.waitFor(() => expect(queue.counters().done).toBe(2))
    expect(await stored(database)).toEqual({ rows: [], bundles: 1 })
    hands.end('lane-2')
    await vi.waitFor(() => expect(queue.counters().done).toBe(3))
    expect(await stored(database)).toEqual(nothing)
    expect(await queue.stats()).toEqual([])
  })

  test('a rollback leaves nothing', async () => {
    const database = await open()
    const hands = createHands()
    const queue = await started(database, { work: hands.work })
    const failing = database.write(async (trx) => {
      await queue.enqueue(trx, [job('a')], { direct: true })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    await put(database, queue, job('b'))
    await vi.waitFor(() => expect(hands.ids()).toEqual(['b']))
    expect(await queue.find('a')).toBeUndefined()
  })

  test('what needs more than a turn becomes a row', async () => {
    const database = await open()
    const hands = createHands()
    const queue = await started(database, { work: hands.work })
    await put(
      database,
      queue,
      job('plain'),
      job('keyed', { key: 'k' }),
      job('late', { delayMs: HOUR_MS }),
      job('deduped', { dedupeKey: 'd' }),
      job('urgent', { priority: 1 }),
    )
    expect((await stored(database)).rows).toEqual(['keyed', 'late', 'deduped', 'urgent'])
    await vi.waitFor(() =>
      expect(hands.ids().toSorted()).toEqual(['deduped', 'keyed', 'plain', 'urgent']),
    )
  })

  test('nothing overtakes what waits in its lane as a row', async () => {
    const database = await open()
    const hands = createHands()
    const queue = await started(database, { work: hands.work, laneLimit: () => 1 })
    await database.write((trx) => queue.enqueue(trx, [job('first'), job('second')]))
    await vi.waitFor(() => expect(hands.ids()).toEqual(['first']))
    await put(database, queue, job('third'), job('other', { lane: 'other' }))
    expect((await stored(database)).rows).toEqual(['first', 'second', 'third'])
    await vi.waitFor(() => expect(hands.ids()).toEqual(['first', 'other']))
    hands.end('first')
    await vi.waitFor(() => expect(hands.ids()).toEqual(['first', 'other', 'second']))
  })

  test('memory is bounded: a lane has its share, and what is above it becomes rows', async () => {
    const database = await open()
    const hands = createHands()
    const queue = await started(database, { work: hands.work, laneLimit: () => 1 })
    await put(database, queue, ...numbered(10, 'a'))
    await put(database, queue, ...numbered(11, 'b'))
    await put(database, queue, job('a-10', { lane: 'a' }))
    expect((await stored(database)).rows).toEqual([
      ...numbered(11, 'b').map(({ id }) => id),
      'a-10',
    ])
    for (let n = 0; n < 22; n += 1) {
      await vi.waitFor(() => expect(hands.started.length).toBeGreaterThan(n))
      hands.end(hands.ids()[n] ?? '')
    }
    await vi.waitFor(() => expect(queue.counters().done).toBe(22))
    expect(new Set(hands.ids()).size).toBe(22)
  })

  test('a lane has its limit, lanes take turns, and rows get places beside them', async () => {
    const database = await open()
    const hands = createHands()
    const queue = await started(database, { work: hands.work, concurrency: 4, laneLimit: () => 2 })
    await put(database, queue, ...numbered(4, 'a'), ...numbered(4, 'b'))
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a-0', 'b-0', 'a-1']))
    await database.write((trx) => queue.enqueue(trx, numbered(4, 'c')))
    await vi.waitFor(() => expect(hands.ids().at(-1)).toBe('c-0'))
    hands.end('a-0')
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a-0', 'b-0', 'a-1', 'c-0', 'b-1']))
  })

  test('lanes that hang do not keep a lane of which nothing runs from its first place', async () => {
    const database = await open()
    const hands = createHands()
    const queue = await started(database, { work: hands.work, concurrency: 8, laneLimit: () => 3 })
    await put(database, queue, ...numbered(4, 'a'), ...numbered(4, 'b'), ...numbered(4, 'c'))
    await vi.waitFor(() => expect(hands.started).toHaveLength(6))
    await put(database, queue, ...numbered(2, 'd'))
    await vi.waitFor(() => expect(hands.ids().at(-1)).toBe('d-0'))
    expect(hands.started).toHaveLength(7)
  })

  test('however many lanes there are, a row has its turn', async () => {
    const database = await open()
    for (const [concurrency, lanes] of [
      [4, 8],
      [16, 40],
    ] as const) {
      const order: string[] = []
      const queue = await started(database, {
        concurrency,
        directLimit: 10_000,
        name: `of-${concurrency}`,
        laneLimit: () => 8,
        work: async ({ id }) => {
          order.push(id)
          await new Promise((resolve) => setImmediate(resolve))
          return { status: 'done' }
        },
      })
      const direct = Array.from({ length: lanes }, (_, n) => numbered(10, `lane-${n}`)).flat()
      await put(database, queue, ...direct)
      await database.write((trx) => queue.enqueue(trx, [job('row', { lane: 'row' })]))
      await vi.waitFor(() => expect(queue.counters().done).toBe(lanes * 10 + 1))
      expect(order.indexOf('row')).toBeLessThan(concurrency * 4)
    }
  })

  test('a retry is a row that waits for its time, a dead job is kept with its reason', async () => {
    const database = await open()
    const hands = createHands()
    const queue = await started(database, { work: hands.work })
    await put(database, queue, ...numbered(3))
    await vi.waitFor(() => expect(hands.started).toHaveLength(3))
    hands.end('lane-0', { status: 'retry', delayMs: HOUR_MS })
    hands.end('lane-1', { status: 'dead', reason: 'no use' })
    hands.end('lane-2', { status: 'retry', delayMs: 0 })
    await vi.waitFor(() => expect(hands.ids()).toHaveLength(4))
    expect(hands.started[3]).toMatchObject({
      id: 'lane-2',
      attempt: 2,
      leases: 1,
      payload: { n: 2 },
    })
    expect(await queue.find('lane-0')).toMatchObject({ state: 'scheduled', attempt: 2 })
    expect(await queue.find('lane-1')).toMatchObject({ state: 'dead', reason: 'no use' })
    expect(await stored(database)).toEqual({ rows: ['lane-0', 'lane-2'], bundles: 0 })
    expect(await database.write((trx) => queue.revive(trx, { ids: ['lane-1'] }))).toEqual([
      'lane-1',
    ])
    await vi.waitFor(() => expect(hands.ids()).toHaveLength(5))
  })

  test('what a dead process left is done by the next one, and what it had done is not done again', async () => {
    const database = await open()
    const dying = createHands()
    const first = await started(database, { work: dying.work, laneLimit: () => 3 })
    await put(database, first, ...numbered(6))
    await vi.waitFor(() => expect(dying.started).toHaveLength(3))
    dying.end('lane-1')
    await vi.waitFor(() => expect(first.counters().done).toBe(1))
    const hands = createHands()
    const second = await started(database, { work: hands.work })
    await vi.waitFor(() => expect(hands.ids()).toHaveLength(5))
    expect(hands.ids().toSorted()).toEqual(['lane-0', 'lane-2', 'lane-3', 'lane-4', 'lane-5'])
    expect(hands.started.map(({ payload }) => payload.n).toSorted((a, b) => a - b)).toEqual([
      0, 2, 3, 4, 5,
    ])
    // Not quite dead: what it says now is refused.
    dying.end('lane-0', { status: 'dead', reason: 'too late' })
    await vi.waitFor(() => expect(first.counters().lost).toBe(1))
    for (const id of hands.ids()) hands.end(id)
    await vi.waitFor(() => expect(second.counters().done).toBe(5))
    expect(await second.find('lane-0')).toBeUndefined()
    expect(await stored(database)).toEqual(nothing)
  })

  test('a queue that closes leaves rows, of what it could not finish too', async () => {
    const database = await open()
    const hands = createHands()
    const queue = await started(database, { work: hands.work, laneLimit: () => 1 })
    await put(database, queue, ...numbered(3))
    await vi.waitFor(() => expect(hands.started).toHaveLength(1))
    await queue.close()
    expect(await stored(database)).toEqual({ rows: ['lane-0', 'lane-1', 'lane-2'], bundles: 0 })
    const next = await started(database)
    await vi.waitFor(() => expect(next.counters().done).toBe(3))
  })

  test('what ends after the queue has closed changes nothing and keeps nobody busy', async () => {
    const database = await open()
    const hands = createHands()
    const warn = vi.fn<DatabaseLog['warn']>()
    const queue = await started(database, { work: hands.work, log: { ...quietLog, warn } })
    await put(database, queue, job('a'))
    await vi.waitFor(() => expect(hands.started).toHaveLength(1))
    await queue.close()
    await database.close()
    hands.end('a')
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    expect(warn).not.toHaveBeenCalled()
    expect(queue.counters()).toMatchObject({ done: 0, lost: 0 })
  })

  test('a lane that is held keeps what waits as rows, what runs comes to its end', async () => {
    const database = await open()
    const hands = createHands()
    const queue = await started(database, { work: hands.work, laneLimit: () => 1 })
    await put(database, queue, ...numbered(3), job('other', { lane: 'other' }))
    await vi.waitFor(() => expect(hands.ids().toSorted()).toEqual(['lane-0', 'other']))
    await database.write((trx) => queue.hold(trx, 'lane'))
    hands.end('lane-0')
    hands.end('other')
    await vi.waitFor(() => expect(queue.counters().done).toBe(2))
    expect(await stored(database)).toEqual({ rows: ['lane-1', 'lane-2'], bundles: 0 })
    await put(database, queue, job('lane-3'))
    expect(await queue.find('lane-3')).toMatchObject({ state: 'held' })
    expect(hands.started).toHaveLength(2)
    await database.write((trx) => queue.release(trx, 'lane'))
    await vi.waitFor(() => expect(hands.ids().at(-1)).toBe('lane-1'))
  })

  test('a cancelled lane is empty, and the outcome of what runs is refused', async () => {
    const database = await open()
    const hands = createHands()
    const settled: string[] = []
    const queue = await started(database, {
      work: hands.work,
      laneLimit: () => 1,
      settled: async (_trx, settlements: readonly Settlement<{ n: number }, string>[]) => {
        settled.push(...settlements.map(({ job: { id } }) => id))
      },
    })
    await put(database, queue, ...numbered(3), job('other', { lane: 'other' }))
    await vi.waitFor(() => expect(hands.started).toHaveLength(2))
    expect(await database.write((trx) => queue.cancel(trx, 'lane'))).toBe(3)
    hands.end('lane-0')
    await vi.waitFor(() => expect(queue.counters().lost).toBe(1))
    hands.end('other')
    await vi.waitFor(() => expect(queue.counters().done).toBe(1))
    expect(settled).toEqual(['other'])
    expect(hands.ids()).not.toContain('lane-1')
    expect(await stored(database)).toEqual(nothing)
  })

  test('skips by id what does not run', async () => {
    const database = await open()
    const hands = createHands()
    const queue = await started(database, { work: hands.work, laneLimit: () => 1 })
    await put(database, queue, ...numbered(3))
    await vi.waitFor(() => expect(hands.started).toHaveLength(1))
    const ids = ['lane-0', 'lane-1', 'nobody']
    expect(await database.write((trx) => queue.skip(trx, { ids }))).toEqual(['lane-1'])
    hands.end('lane-0')
    await vi.waitFor(() => expect(hands.ids()).toEqual(['lane-0', 'lane-2']))
  })

  test('they are found, listed page by page and counted with the rows', async () => {
    const database = await open()
    const hands = createHands()
    const queue = await started(database, { work: hands.work, laneLimit: () => 1 })
    await put(database, queue, ...numbered(3))
    await database.write((trx) => queue.enqueue(trx, [job('row')]))
    await vi.waitFor(() => expect(hands.started).toHaveLength(1))
    expect(await queue.find('lane-0')).toMatchObject({ state: 'running', attempt: 1, lane: 'lane' })
    expect(await queue.find('lane-1')).toMatchObject({ state: 'ready' })
    expect(await queue.stats(['lane'])).toMatchObject([{ pending: 4, running: 1, held: false }])
    expect(await queue.totals()).toMatchObject({ pending: 4, running: 1 })
    expect((await queue.list({ ids: ['row', 'lane-2'] })).map(({ id }) => id)).toEqual([
      'lane-2',
      'row',
    ])
    const seen: string[] = []
    let [last] = await queue.list({ lane: 'lane', limit: 1 })
    while (last !== undefined) {
      seen.push(`${last.id} ${last.state} ${last.payload}`)
      ;[last] = await queue.list({ lane: 'lane', limit: 1, after: last.after })
    }
    expect(seen).toEqual([
      'lane-0 running {"n":0}',
      'lane-1 ready {"n":1}',
      'lane-2 ready {"n":2}',
      'row ready {"n":1}',
    ])
  })

  test('an outcome that its owner cannot store is tried again as a row', async () => {
    const database = await open()
    const hands = createHands()
    // The second time it is asked about this one alone.
    let refusals = 2
    const queue = await started(database, {
      work: hands.work,
      errorDelayMs: () => 1,
      settled: async () => {
        refusals -= 1
        if (refusals >= 0) throw new Error('not now')
      },
    })
    await put(database, queue, job('a'))
    await vi.waitFor(() => expect(hands.started).toHaveLength(1))
    hands.end('a')
    await vi.waitFor(() => expect(hands.started).toHaveLength(2))
    expect(hands.started[1]).toMatchObject({ id: 'a', attempt: 1, leases: 2 })
    hands.end('a')
    await vi.waitFor(() => expect(queue.counters().done).toBe(1))
    expect(await stored(database)).toEqual(nothing)
  })

  test('a worker that does not end within the lease loses its job to the next', async () => {
    const database = await open()
    const work = vi.fn<NonNullable<TestQueueOptions['work']>>(() => new Promise(() => {}))
    const queue = await started(database, { work, leaseMs: 200 })
    await put(database, queue, job('a'))
    await vi.waitFor(() => expect(work.mock.calls.length).toBeGreaterThanOrEqual(2))
    expect(work.mock.calls[0]?.[1].signal.aborted).toBe(true)
    expect(work.mock.calls[1]?.[0]).toMatchObject({ id: 'a', leases: 2 })
    expect((await stored(database)).bundles).toBe(0)
  })

  test('a worker that ends after it lost its job leaves the places as they are', async () => {
    const database = await open()
    const hands = createHands()
    const queue = await started(database, { work: hands.work, leaseMs: 100, concurrency: 4 })
    for (let n = 0; n < 6; n += 1) {
      await put(database, queue, job(`late-${n}`))
      await vi.waitFor(() => expect(hands.ids().filter((id) => id === `late-${n}`)).toHaveLength(2))
      // The second, which has the job now; the first ends too, and too late.
      hands.end(`late-${n}`)
      hands.endFirst(`late-${n}`)
    }
    await database.write((trx) => queue.enqueue(trx, [job('row'), job('other')]))
    await vi.waitFor(() => expect(hands.ids().slice(-2).toSorted()).toEqual(['other', 'row']))
  })

  test('rows and direct jobs are all done however few places there are', async () => {
    const database = await open()
    for (const concurrency of [1, 2, 3, 4]) {
      const order: string[] = []
      const queue = await started(database, {
        concurrency,
        name: `of-${concurrency}`,
        work: async ({ id }) => {
          order.push(id)
          await new Promise((resolve) => setImmediate(resolve))
          return { status: 'done' }
        },
      })
      await database.write((trx) => queue.enqueue(trx, numbered(60, 'rows')))
      await put(database, queue, job('direct', { lane: 'direct' }))
      await vi.waitFor(() => expect(queue.counters().done).toBe(61))
      expect(order.indexOf('direct')).toBeLessThan(40)
    }
  })

  test('however it is held, killed and started again: each is done, and once where nobody was killed', async () => {
    const database = await open()
    const done = new Map<string, number>()
    const settings: TestQueueOptions = {
      laneLimit: () => 2,
      concurrency: 6,
      work: async ({ payload }) => {
        await new Promise((resolve) => setTimeout(resolve, payload.n % 7))
        return payload.n % 5 === 0 && !done.has(String(payload.n))
          ? { status: 'retry', delayMs: payload.n % 3, result: 'no' }
          : { status: 'done' }
      },
      settled: async (_trx, settlements: readonly Settlement<{ n: number }, string>[]) => {
        for (const {
          job: { id, payload },
          outcome,
        } of settlements) {
          if (outcome.status === 'done') done.set(id, (done.get(id) ?? 0) + 1)
          else done.set(String(payload.n), 0)
        }
      },
    }
    const lanes = ['a', 'b', 'c']
    let queue = await started(database, settings)
    for (let n = 0; n < 300; n += 1) {
      const lane = lanes[n % 3] ?? 'a'
      await put(database, queue, job(`job-${n}`, { lane, payload: { n } }))
      if (n % 20 === 7) await database.write((trx) => queue.hold(trx, lane))
      if (n % 20 === 17)
        for (const held of lanes) await database.write((trx) => queue.release(trx, held))
      if (n % 100 === 50) {
        await queue.close()
        queue = await started(database, settings)
      }
    }
    for (const held of lanes) await database.write((trx) => queue.release(trx, held))
    await vi.waitFor(async () => expect(await stored(database)).toEqual(nothing), 10_000)
    const times = Array.from({ length: 300 }, (_, n) => done.get(`job-${n}`))
    expect(times).toEqual(times.map(() => 1))
  }, 30_000)
})

describeDatabases('jobs that may go directly', (store: TestStore) => {
  test('are done on every store', async () => {
    const database = await store.open<Tables>(migrations)
    const queue = await started(database, { log: quietLog })
    expect(await put(database, queue, ...numbered(20))).toHaveLength(20)
    await vi.waitFor(() => expect(queue.counters().done).toBe(20))
    expect(await stored(database)).toEqual(nothing)
  })
})

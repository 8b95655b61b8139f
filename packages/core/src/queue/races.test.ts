import { expect, test, vi } from 'vitest'
import { describePostgres, quietLog, type TestStore } from '../testing/databases.ts'
import {
  createHands,
  createTestQueue,
  job,
  migrations,
  openTwo,
  put,
  type Tables,
} from '../testing/queue-fixture.ts'

const keyed = (id: string) => job(id, { key: 'k' })

describePostgres('the order of a key in the queue', (store: TestStore) => {
  test('a job enqueued while its predecessor is being settled is not forgotten', async () => {
    const database = await store.open<Tables>(migrations)
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work })
    queue.start()
    await put(database, queue, keyed('a'), job('free'))
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a', 'free']))
    await database.write(async (trx) => {
      await queue.enqueue(trx, [keyed('b')])
      hands.end('a')
      hands.end('free')
      // The settlement of a is put off until this transaction ends: were it to go on it would not see b.
      await vi.waitFor(() => expect(queue.counters().done).toBe(1))
    })
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a', 'free', 'b']))
  })

  test.each(['enqueue behind', 'replace'])(
    'those who %s jobs of two keys and those who settle both all come through',
    async (kind) => {
      const repeated: string[] = []
      const log = {
        ...quietLog,
        debug: (...said: unknown[]) => void repeated.push(String(said.at(-1))),
      }
      const database = await store.open<Tables>(migrations, { log })
      const queue = createTestQueue(database, {
        work: async () => ({ status: 'done' as const }),
        gatherMs: 5,
      })
      queue.start()
      let next = 0
      const writer = async (keys: string[]): Promise<void> => {
        for (let n = 0; n < 40; n += 1) {
          await database.write(async (trx) => {
            for (const key of keys) {
              if (kind === 'replace') await queue.skip(trx, { lane: 'lane', key })
              next += 1
              await queue.enqueue(trx, [job(`j${next}`, { key })])
            }
          })
        }
      }
      // Each writer has a pair of its own, in the order that the settlements may not have.
      const pairs = Array.from({ length: 6 }, (_, n) => [`b${n}`, `a${n}`])
      await Promise.all(pairs.map(writer))
      await vi.waitFor(async () => expect((await queue.totals()).pending).toBe(0), 20_000)

      expect(repeated).not.toContain('the transaction is run again')
      expect((await queue.totals()).pending).toBe(0)
    },
    60_000,
  )

  test('a job that commits after a later one was taken up does not run beside it', async () => {
    const [one, other] = await openTwo(store)
    const hands = createHands()
    const first = createTestQueue(one, { work: hands.work })
    const second = createTestQueue(other, { work: hands.work })
    first.start()
    second.start()
    await one.write(async (trx) => {
      await first.enqueue(trx, [keyed('a')])
      await put(other, second, keyed('b'))
      await vi.waitFor(() => expect(hands.ids()).toEqual(['b']))
    })
    await put(one, first, job('free'))
    await vi.waitFor(() => expect(hands.ids()).toContain('free'))
    expect(hands.ids()).toEqual(['b', 'free'])
    hands.end('b')
    await vi.waitFor(() => {
      first.wake()
      expect(hands.ids()).toEqual(['b', 'free', 'a'])
    })
  })

  test('replicas that claim at once keep the limit of a lane together', async () => {
    const [one, other] = await openTwo(store)
    const hands = createHands()
    const options = { work: hands.work, laneLimit: () => 3 }
    const [first, second] = [createTestQueue(one, options), createTestQueue(other, options)]
    await put(one, first, ...Array.from({ length: 20 }, (_, n) => job(`j${n}`)))
    first.start()
    second.start()
    await vi.waitFor(() => expect(hands.started).toHaveLength(3))
    for (let round = 0; round < 5; round += 1) {
      for (const id of hands.ids().slice(-3)) hands.end(id)
      await vi.waitFor(() => expect(hands.started).toHaveLength(6 + 3 * round))
      const running = await first.stats(['lane'])
      expect(running[0]?.running).toBe(3)
    }
  })
})

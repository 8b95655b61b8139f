import { sql } from 'kysely'
import { expect, test, vi } from 'vitest'
import type { Database } from '../database/index.ts'
import { describePostgres, type TestStore } from '../testing/databases.ts'
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

/** How many sessions wait for a lock. */
async function waiting(database: Database<Tables>): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from pg_stat_activity where wait_event_type = 'Lock'`.execute(
    database.kysely,
  )
  return rows[0]?.n ?? 0
}

describePostgres('the order of a key in the queue', (store: TestStore) => {
  test('a job enqueued while its predecessor is being settled is not forgotten', async () => {
    const database = await store.open<Tables>(migrations)
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work })
    queue.start()
    await put(database, queue, keyed('a'))
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a']))
    await database.write(async (trx) => {
      await queue.enqueue(trx, [keyed('b')])
      hands.end('a')
      // The settlement of a waits for this transaction; were it to go on it would not see b.
      await vi.waitFor(async () => {
        expect((await waiting(database)) + queue.counters().done).toBeGreaterThan(0)
      })
    })
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a', 'b']))
  })

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

import { expect, test, vi } from 'vitest'
import { describePostgres, type TestStore } from '../testing/databases.ts'
import {
  createHands,
  createTestQueue,
  job,
  migrations,
  put,
  type Tables,
} from '../testing/queue-fixture.ts'

describePostgres('the queue when the database goes away', (store: TestStore) => {
  test('stores the outcome of work that ended meanwhile, and goes on', async () => {
    const database = await store.open<Tables>(migrations)
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work, pollMs: 50 })
    queue.start()
    await put(database, queue, job('a'))
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a']))
    await store.server().shutDown()
    hands.end('a')
    await expect(put(database, queue, job('lost'))).rejects.toMatchObject({ statusCode: 503 })
    await store.server().start()
    await vi.waitFor(() => expect(queue.counters().done).toBe(1), 10_000)
    await vi.waitFor(() => put(database, queue, job('b')), 10_000)
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a', 'b']), 10_000)
    hands.end('b')
    await vi.waitFor(() => expect(queue.counters().done).toBe(2))
  })

  test('closes in time although it cannot be reached', async () => {
    const database = await store.open<Tables>(migrations)
    const hands = createHands()
    const queue = createTestQueue(database, { work: hands.work, closeMs: 100 })
    queue.start()
    await put(database, queue, job('a'))
    await vi.waitFor(() => expect(hands.ids()).toEqual(['a']))
    await store.server().kill()
    hands.end('a')
    const from = Date.now()
    await queue.close()
    expect(Date.now() - from).toBeLessThan(3000)
    await store.server().start()
  })
})

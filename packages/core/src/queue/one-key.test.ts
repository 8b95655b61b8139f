import { expect, test, vi } from 'vitest'
import { describeDatabases, type TestStore } from '../testing/databases.ts'
import { createTestQueue, job, openTwo, put } from '../testing/queue-fixture.ts'

describeDatabases('one key and many enqueuers', (store: TestStore) => {
  test('a key that several processes enqueue to at once never gets stuck, and keeps one worker', async () => {
    const [one, other] = await openTwo(store)
    let running = 0
    let most = 0
    const work = async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return { status: 'done' } as const
    }
    const options = { work, concurrency: 4 }
    const [first, second] = [createTestQueue(one, options), createTestQueue(other, options)]
    first.start()
    second.start()
    let next = 0
    const producer = async (n: number): Promise<void> => {
      while (next < 400) {
        next += 1
        const keyed = job(`j${next}`, { key: 'k' })
        await (n % 2 === 0 ? put(one, first, keyed) : put(other, second, keyed))
      }
    }
    await Promise.all([0, 1, 2, 3, 4, 5].map(producer))
    // Nobody polls here: a job that waits for a predecessor which is gone would wait for ever.
    await vi.waitFor(async () => {
      second.wake()
      expect(first.counters().done + second.counters().done).toBe(next)
    }, 40_000)
    expect(most).toBe(1)
  }, 60_000)
})

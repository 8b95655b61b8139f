import { performance } from 'node:perf_hooks'
import { expect, test, vi } from 'vitest'
import { describeDatabases, type TestStore } from '../testing/databases.ts'
import {
  createTestQueue,
  job,
  migrations,
  openTwo,
  put,
  type Tables,
} from '../testing/queue-fixture.ts'
import { createClaims } from './claims.ts'

/** Thrown to give back what a claim took. */
class Enough extends Error {}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

describeDatabases('the queue under a backlog', (store: TestStore) => {
  /** Median milliseconds that a claim of 16 takes with so many jobs of this shape before it. */
  async function claimMs(jobs: number, shape: (n: number) => object): Promise<number> {
    const database = await store.open<Tables>(migrations, { statementTimeoutMs: 60_000 })
    const queue = createTestQueue(database)
    for (let n = 0; n < jobs; n += 1000) {
      const part = Array.from({ length: Math.min(1000, jobs) }, (_, i) =>
        job(`j${n + i}`, shape(n + i)),
      )
      await put(database, queue, ...part)
    }
    const claims = createClaims(database, 'test', {
      leaseMs: 60_000,
      maxLeases: 5,
      batch: 100,
      laneLimit: () => 4,
      runningHere: () => 0,
    })
    const times: number[] = []
    for (let round = 0; round < 25; round += 1) {
      const claiming = database.write(async (trx) => {
        const from = performance.now()
        const claim = await claims.claim(trx, 16, true)
        times.push(performance.now() - from)
        expect(claim.jobs.length).toBeGreaterThan(0)
        throw new Enough()
      })
      await expect(claiming).rejects.toThrow(Enough)
    }
    return median(times)
  }

  test.each([
    ['in ten lanes', (n: number) => ({ lane: `lane ${n % 10}` })],
    ['behind one key', () => ({ key: 'k' })],
    ['with a lane each', (n: number) => ({ lane: `lane ${n}` })],
    ['scheduled for later', (n: number) => (n === 0 ? {} : { delayMs: 3_600_000 })],
  ])(
    'a claim takes as long with 50 000 jobs %s as with 200',
    async (_, shape) => {
      const few = await claimMs(200, shape)
      const many = await claimMs(50_000, shape)
      // Reading the backlog would cost 20 ms and more; what is left for a busy machine is wide all the same.
      expect(many).toBeLessThan(4 * few + 8)
    },
    60_000,
  )

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
    }, 15_000)
    expect(most).toBe(1)
  })
})

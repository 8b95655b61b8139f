import { expect, test, vi } from 'vitest'
import { createPlaces } from './places.ts'

/** Work that ends when it is told to. */
function job() {
  let end = (): void => {}
  const done = new Promise<void>((resolve) => void (end = resolve))
  return { work: () => done, end: () => end() }
}

const BUSY = { code: 'STORE_READS_BUSY', statusCode: 503, retryAfterSeconds: 1 }

test('as many run as there are places, the others in the order in which they came', async () => {
  const inPlace = createPlaces({ places: 1, waitingLimit: 2, waitMs: 10_000 })
  const first = job()
  const order: number[] = []
  const running = inPlace(first.work)
  const later = [1, 2].map((n) => inPlace(async () => void order.push(n)))

  expect(order).toEqual([])
  first.end()
  await Promise.all([running, ...later])

  expect(order).toEqual([1, 2])
})

test('who finds the waiting room full is sent away at once, and work that fails gives its place back', async () => {
  const inPlace = createPlaces({ places: 1, waitingLimit: 1, waitMs: 10_000 })
  const first = job()
  const running = inPlace(first.work)
  const waiting = inPlace(() => Promise.reject(new Error('broken')))

  await expect(inPlace(async () => 1)).rejects.toMatchObject(BUSY)

  first.end()
  await running
  await expect(waiting).rejects.toThrow('broken')
  expect(await inPlace(async () => 2)).toBe(2)
})

test('who waits too long is sent away, and the place goes to somebody else', async () => {
  vi.useFakeTimers()
  try {
    const inPlace = createPlaces({ places: 1, waitingLimit: 2, waitMs: 1000 })
    const first = job()
    const running = inPlace(first.work)
    const impatient = inPlace(async () => 1).catch((error: unknown) => error)

    await vi.advanceTimersByTimeAsync(1000)
    expect(await impatient).toMatchObject(BUSY)
    const patient = inPlace(async () => 2)
    first.end()
    await running

    expect(await patient).toBe(2)
  } finally {
    vi.useRealTimers()
  }
})

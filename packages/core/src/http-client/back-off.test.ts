import { expect, test } from 'vitest'
import { jitteredDelayMs, retryAfterMs } from './back-off.ts'

const backOff = { baseMs: 50, maxMs: 1000 }

test('waits are anything from zero to an end that doubles, up to the maximum', () => {
  const longest = (retry: number) => jitteredDelayMs(retry, backOff, () => 1)

  expect([0, 1, 2, 3, 9].map((retry) => longest(retry))).toEqual([50, 100, 200, 400, 1000])
  expect(jitteredDelayMs(3, backOff, () => 0)).toBe(0)
})

test('Retry-After is read as seconds, or as a date', () => {
  const now = Date.UTC(2026, 10, 21, 12, 0, 0)

  expect(retryAfterMs('5')).toBe(5000)
  expect(retryAfterMs('Sat, 21 Nov 2026 12:00:30 GMT', () => now)).toBe(30_000)
  expect(retryAfterMs('Sat, 21 Nov 2026 11:00:00 GMT', () => now)).toBe(0)
})

test('a Retry-After that means nothing is none', () => {
  expect(retryAfterMs(undefined)).toBeUndefined()
  expect(retryAfterMs(['1', '2'])).toBeUndefined()
  expect(retryAfterMs('soon')).toBeUndefined()
})

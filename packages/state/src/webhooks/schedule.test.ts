import { expect, test } from 'vitest'
import { retryAfterMs, retryDelay } from './schedule.ts'

const plain = { retryDelays: undefined, baseDelayMs: 5000 }

test('the delays double from the base and never exceed a day', () => {
  expect([0, 1, 2].map((retry) => retryDelay(plain, retry))).toEqual([5000, 10_000, 20_000])
  expect(retryDelay(plain, 49)).toBe(86_400_000)
})

test('listed delays are taken one after another, the last one again and again', () => {
  const listed = { ...plain, retryDelays: [100, 300] }

  expect([0, 1, 2, 9].map((retry) => retryDelay(listed, retry))).toEqual([100, 300, 300, 300])
})

test('Retry-After makes a retry later, never sooner, and not by more than an hour', () => {
  expect(retryDelay(plain, 0, 60_000)).toBe(60_000)
  expect(retryDelay(plain, 0, 1000)).toBe(5000)
  expect(retryDelay(plain, 0, 86_400_000)).toBe(3_600_000)
})

test.each([
  ['120', 120_000],
  ['0', 0],
  ['Wed, 21 Oct 2015 07:28:30 GMT', 30_000],
  ['Wed, 21 Oct 2015 07:27:00 GMT', 0],
  ['soon', undefined],
  ['-5', undefined],
  [undefined, undefined],
  [['1', '2'], undefined],
])('Retry-After %j is %s ms', (header, expected) => {
  expect(retryAfterMs(header, Date.parse('Wed, 21 Oct 2015 07:28:00 GMT'))).toBe(expected)
})

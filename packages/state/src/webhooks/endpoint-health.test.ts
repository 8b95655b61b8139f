import { expect, test } from 'vitest'
import { observe, type Health, type Observation } from './endpoint-health.ts'

const well: Health = { failures: 0, countedAt: null, lastError: null }
const rules = { maxFailures: 10, spacingMs: 5000 }
const failure = (startedAt: number): Observation => ({
  ok: false,
  startedAt,
  error: 'the endpoint answered 500',
  counts: true,
})
const success = (startedAt: number): Observation => ({ ok: true, startedAt, counts: true })

test('failures closer together than the spacing count once', () => {
  const burst = Array.from({ length: 50 }, (_, index) => failure(1000 + index))

  expect(observe(well, burst, rules)).toEqual({
    failures: 1,
    countedAt: 1000,
    lastError: 'the endpoint answered 500',
  })
})

test('ten failures a spacing apart deactivate, the ninth does not', () => {
  const spaced = Array.from({ length: 10 }, (_, index) => failure(index * 5000))

  expect(observe(well, spaced.slice(0, 9), rules).disable).toBeUndefined()
  expect(observe(well, spaced, rules).disable).toBe(
    '10 failed attempts in a row: the endpoint answered 500',
  )
})

test('a success sets the count back', () => {
  const attempts = [failure(0), failure(5000), success(6000), failure(10_000)]

  expect(observe(well, attempts, rules)).toMatchObject({ failures: 1, countedAt: 10_000 })
  expect(observe(well, attempts.slice(0, 3), rules)).toEqual(well)
})

test('without a spacing every failure counts', () => {
  const burst = Array.from({ length: 10 }, () => failure(1000))

  expect(observe(well, burst, { ...rules, spacingMs: 0 })).toMatchObject({
    failures: 10,
    disable: expect.stringContaining('10 failed attempts') as string,
  })
  // Of two that were under way side by side the later one may end first.
  const before = observe(well, [failure(1000)], { ...rules, spacingMs: 0 })
  expect(observe(before, [failure(500)], { ...rules, spacingMs: 0 }).failures).toBe(2)
})

test('a failure of ours is told but not counted; 410 deactivates at once', () => {
  expect(observe(well, [{ ...failure(0), counts: false }], rules)).toEqual({
    failures: 0,
    countedAt: null,
    lastError: 'the endpoint answered 500',
  })
  expect(observe(well, [{ ...failure(0), gone: true }], rules).disable).toBe(
    'the endpoint answered 410 Gone',
  )
})

import { expect, test } from 'vitest'
import { createRetryBudget } from './retry-budget.ts'

function build() {
  const clock = { now: 1_000_000 }
  const budget = createRetryBudget({ ratio: 0.2, min: 3, now: () => clock.now })
  const takeAll = () => {
    let taken = 0
    while (taken < 1000 && budget.take()) taken += 1
    return taken
  }
  const requests = (count: number) => {
    for (let made = 0; made < count; made += 1) budget.countRequest()
  }
  return { budget, clock, takeAll, requests }
}

test('few requests may be repeated three times in all', () => {
  const { takeAll, requests } = build()
  requests(1)

  expect(takeAll()).toBe(3)
})

test('of many requests a fifth may be repeated', () => {
  const { takeAll, requests } = build()
  requests(500)

  expect(takeAll()).toBe(100)
})

test('what was spent comes back when it is ten seconds old, not before', () => {
  const { clock, takeAll } = build()
  expect(takeAll()).toBe(3)

  clock.now += 8_999
  expect(takeAll()).toBe(0)
  clock.now += 1_001

  expect(takeAll()).toBe(3)
})

test('requests of long ago do not pay for retries of now', () => {
  const { clock, takeAll, requests } = build()
  requests(1000)

  clock.now += 11_000

  expect(takeAll()).toBe(3)
})

test('under a steady load with every request failing, retries stay at a fifth of the requests', () => {
  const { budget, clock } = build()
  let retries = 0
  for (let made = 0; made < 10_000; made += 1) {
    budget.countRequest()
    if (budget.take()) retries += 1
    clock.now += 5
  }

  expect(retries / 10_000).toBeLessThanOrEqual(0.21)
  expect(retries / 10_000).toBeGreaterThan(0.18)
})

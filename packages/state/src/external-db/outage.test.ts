import { expect, test, vi } from 'vitest'
import { pauseMs } from './back-off.ts'
import { NoPass, Outage } from './outage.ts'
import { verdictOf } from './verdict.ts'

/** Pauses at their full length, on a clock of the test. */
function build() {
  const clock = { now: 0 }
  return { clock, outage: new Outage({ now: () => clock.now, random: () => 1 }) }
}

test('pauses grow to a minute and no further, and are spread', () => {
  expect([1, 2, 3, 6, 7, 40].map((n) => pauseMs(n, () => 1))).toEqual([
    1000, 2000, 4000, 32_000, 60_000, 60_000,
  ])
  expect(pauseMs(1, () => 0)).toBe(500)
})

test('while it works everybody passes', async () => {
  const { outage } = build()

  expect(await Promise.all([outage.pass(0), outage.pass(0)])).toHaveLength(2)
})

test('failures of attempts that were under way together are one', async () => {
  const { outage } = build()
  const passes = await Promise.all([outage.pass(0), outage.pass(0), outage.pass(0)])

  for (const pass of passes) outage.failed(pass)

  expect(outage.failures).toBe(1)
})

test('after the pause one tries, and nobody else until it is known how that went', async () => {
  const { outage, clock } = build()
  outage.failed(await outage.pass(0))
  await expect(outage.pass(0)).rejects.toThrow(NoPass)

  clock.now = 1000
  const probe = await outage.pass(0)
  await expect(outage.pass(0)).rejects.toThrow(NoPass)
  outage.failed(probe)
  clock.now = 2999
  await expect(outage.pass(0)).rejects.toThrow(NoPass)
  clock.now = 3000
  const second = await outage.pass(0)
  const waiting = Promise.all([outage.pass(60_000), outage.pass(60_000)])
  outage.worked()
  outage.giveBack(second)

  expect(await waiting).toEqual([{ failures: 0 }, { failures: 0 }])
})

test('a probe without a verdict lets the next one try', async () => {
  const { outage, clock } = build()
  outage.failed(await outage.pass(0))
  clock.now = 1000

  outage.giveBack(await outage.pass(0))

  expect(await outage.pass(0)).toEqual({ failures: 1 })
})

test('a pause is as long as the other side asks for, and over at a sign of life', async () => {
  const { outage, clock } = build()
  outage.failed(await outage.pass(0), 30_000)
  clock.now = 29_999
  await expect(outage.pass(0)).rejects.toThrow(NoPass)

  outage.hurry()

  expect(await outage.pass(0)).toEqual({ failures: 1 })
})

test('closing sends away who waits', async () => {
  const outage = new Outage()
  outage.failed(await outage.pass(0))
  const waiting = outage.pass(60_000)
  const seen = vi.fn<(error: unknown) => void>()
  waiting.catch(seen)

  outage.close()

  await expect(waiting).rejects.toThrow('shuts down')
  await expect(outage.pass(0)).rejects.toThrow('shuts down')
})

test('an answer says whether the entity is done, comes later, or is refused', () => {
  const verdict = (method: 'PUT' | 'DELETE', status: number, retryAfter?: string) =>
    verdictOf(method, { status, retryAfter, text: 'said' })

  expect(verdict('PUT', 201)).toEqual({ kind: 'taken' })
  expect(verdict('PUT', 412)).toEqual({ kind: 'outdated' })
  expect(verdict('DELETE', 404)).toEqual({ kind: 'outdated' })
  expect(verdict('PUT', 404)).toEqual({ kind: 'refused', status: 404, detail: 'said' })
  expect(verdict('PUT', 422)).toMatchObject({ kind: 'refused', status: 422 })
  expect(verdict('PUT', 500)).toEqual({ kind: 'later', everything: false, retryAfterMs: 0 })
  expect(verdict('PUT', 503, '7')).toEqual({ kind: 'later', everything: true, retryAfterMs: 7000 })
  expect(verdict('PUT', 429, '3600')).toMatchObject({ everything: true, retryAfterMs: 60_000 })
  expect(verdict('PUT', 401, 'soon')).toMatchObject({ everything: true, retryAfterMs: 0 })
})

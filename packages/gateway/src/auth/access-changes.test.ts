import { expect, onTestFinished, test, vi } from 'vitest'
import type { AccessChangePage } from '@potok/contracts/user'
import { createAccessChanges } from './access-changes.ts'

const NOW = Date.UTC(2026, 0, 2)
const iso = (ms: number): string => new Date(ms).toISOString()
const change = (userId: string, version: number) => ({ userId, version, changedAt: iso(NOW) })

function stage(answer: (asked: number) => AccessChangePage) {
  const asked: { since?: string; cursor?: string }[] = []
  const ended: string[] = []
  const told: string[] = []
  const changes = createAccessChanges({
    people: {
      async accessChanges(query) {
        asked.push(query)
        return answer(asked.length)
      },
    },
    async endOlder(userId, version) {
      ended.push(`${userId} before ${version}`)
      return 1
    },
    pollMs: 5,
    maxPauseMs: 10,
    overlapMs: 15_000,
    log: {
      info: (...line: unknown[]) => void told.push(String(line[1])),
      warn: (...line: unknown[]) => void told.push(String(line[1])),
    },
  })
  onTestFinished(() => changes.stop())
  changes.start()
  return { asked, ended, told, changes }
}

test('all that is remembered is read once, page by page, then what is new, with an overlap', async () => {
  const { asked, ended } = stage((count) =>
    count === 1
      ? { items: [change('ann', 3)], asOf: iso(NOW), nextCursor: 'second' }
      : { items: count === 2 ? [change('bob', 5)] : [], asOf: iso(NOW + count) },
  )

  await vi.waitFor(() => expect(asked.length).toBeGreaterThan(3))

  expect(ended).toEqual(['ann before 3', 'bob before 5'])
  expect(asked.slice(0, 4)).toEqual([
    {},
    { cursor: 'second' },
    { since: iso(NOW - 15_000) },
    { since: iso(NOW + 3 - 15_000) },
  ])
})

test('what could not be read is read again, and said once', async () => {
  const { asked, ended, told } = stage((count) => {
    if (count <= 3) throw new Error('nobody listens')
    return { items: count === 4 ? [change('ann', 2)] : [], asOf: iso(NOW) }
  })

  await vi.waitFor(() => expect(ended).toEqual(['ann before 2']))

  expect(asked.slice(0, 4)).toEqual([{}, {}, {}, {}])
  await vi.waitFor(() =>
    expect(told).toEqual([
      'changes of access could not be read',
      'logged out',
      'changes of access can be read again',
    ]),
  )
})

test('after the stop nobody is asked any more', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const { asked, changes } = stage(() => ({ items: [], asOf: iso(NOW) }))
  await vi.advanceTimersByTimeAsync(12)
  expect(asked).toHaveLength(3)

  await changes.stop()
  await vi.advanceTimersByTimeAsync(1000)

  expect(asked).toHaveLength(3)
})

import { assert, integer, property, array, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPace } from './pace.ts'

describe('the pace', () => {
  it('lets a chat have its calls at once and the next ones a second later', () => {
    const pace = createPace({ perChat: 2, overall: () => 30, now: () => 1000 })
    expect([1, 2, 3, 4, 5].map(() => pace.reserve('a'))).toEqual([0, 0, 1050, 1050, 2100])
    expect(pace.reserve('b')).toBe(0)
  })

  it('never has more calls in a second than allowed, whoever asks when', () => {
    const asks = array(
      record({ chat: integer({ min: 0, max: 3 }), after: integer({ min: 0, max: 400 }) }),
      { maxLength: 120 },
    )
    assert(
      property(asks, (list) => {
        let now = 0
        const pace = createPace({ perChat: 2, overall: () => 5, now: () => now })
        const calls = list.map(({ chat, after }) => {
          now += after
          return { chat, at: now + pace.reserve(String(chat)) }
        })
        for (const { chat, at } of calls) {
          const within = calls.filter((call) => call.at >= at && call.at < at + 1000)
          expect(within.length).toBeLessThanOrEqual(5)
          expect(within.filter((call) => call.chat === chat).length).toBeLessThanOrEqual(2)
        }
      }),
    )
  })

  it('takes less when the others get a share, and more when they are gone', () => {
    let share = 4
    const pace = createPace({ perChat: 4, overall: () => share, now: () => 0 })
    const waits = (count: number) => Array.from({ length: count }, () => pace.reserve('a'))
    expect(waits(4)).toEqual([0, 0, 0, 0])
    share = 2
    expect(waits(3)).toEqual([1050, 1050, 2100])
    share = 4
    expect(waits(2)).toEqual([1050, 2100])
  })

  it('gives up when the caller does', async () => {
    const pace = createPace({ perChat: 1, overall: () => 1 })
    pace.reserve('a')
    await expect(pace.take('a', AbortSignal.abort())).rejects.toThrow('aborted')
  })
})

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Change } from './changes.ts'
import { Follower } from './follower.ts'

/** Even positions are of task t1, odd ones of others. */
function change(position: number): Change {
  const id = position % 2 === 0 ? 't1' : `t${position}`
  return {
    name: 'task:updated',
    channels: ['tasks', `task:${id}`],
    position: BigInt(position),
    payload: {
      cursor: `e.${position}`,
      eventId: `evt_${position}`,
      entity: 'task',
      id,
      previousStatus: 'created',
      newStatus: 'pending',
      metadata: {},
      version: 2,
      actor: 'user:u1',
      timestamp: '2026-01-01T00:00:00.000Z',
    },
  }
}
const changes = (from: number, to: number): Change[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => change(from + n))

function follower() {
  const told: number[] = []
  return { told, one: new Follower(({ position }) => told.push(Number(position))) }
}
const open = async (): Promise<boolean> => true

test('what happens during a replay comes after it, and nothing twice', async () => {
  const { told, one } = follower()
  one.expect('tasks', 'e.2')
  for (const late of changes(5, 7)) one.take(late)

  await one.replay(changes(3, 6), 'e.6', open)

  expect(told).toEqual([3, 4, 5, 6, 7])
  expect(one.isLevelWith(6n)).toBe(false)
  expect(one.isLevelWith(7n)).toBe(true)
})

test('a log that is ahead of the feed is not told again when the feed comes to it', async () => {
  const { told, one } = follower()
  one.expect('tasks', 'e.2')
  await one.replay(changes(3, 6), 'e.6', open)
  expect(one.cursorOf('tasks', 'e.4')).toBe('e.6')

  for (const next of changes(5, 8)) one.take(next)

  expect(told).toEqual([3, 4, 5, 6, 7, 8])
  expect(one.cursorOf('tasks', 'e.9')).toBe('e.9')
})

test('a second channel does not repeat what the first one told', async () => {
  const { told, one } = follower()
  one.follow('tasks', 'e.4')
  one.leaveRooms('e.8')
  one.expect('task:t1', 'e.1')

  await one.replay(changes(2, 8), 'e.8', open)

  expect(told).toEqual([2, 4])
})

test('a replay ends when the connection has gone', async () => {
  const { told, one } = follower()
  one.expect('tasks', 'e.0')
  let left = 2

  await one.replay(changes(1, 9), 'e.9', async () => left-- > 0)

  expect(told).toEqual([1, 2])
  expect(one.isLevelWith(100n)).toBe(false)
})

/**
 * Any interleaving of a feed, a log that is ahead of it, and subscriptions one after another: each channel tells
 * everything after its beginning, in order, and the socket is told nothing twice.
 */
test('whatever comes when, each change of each channel is told once', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('feed' as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({
      kind: fc.constant('resume' as const),
      channel: fc.constantFrom('tasks', 'task:t1'),
      back: fc.integer({ min: 0, max: 6 }),
      ahead: fc.integer({ min: 0, max: 3 }),
      during: fc.integer({ min: 0, max: 5 }),
    }),
    fc.record({
      kind: fc.constant('follow' as const),
      channel: fc.constantFrom('tasks', 'task:t1'),
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const { told, one } = follower()
      const begun = new Map<string, number>()
      let feed = 10
      let inRooms = true
      const advance = (count: number): void => {
        for (let n = 0; n < count; n += 1) {
          feed += 1
          const happened = change(feed)
          // Rooms tell a socket once, however many of them it is in.
          if (inRooms && happened.channels.some((channel) => one.has(channel))) told.push(feed)
          if (!inRooms) one.take(happened)
          if (!inRooms && one.isLevelWith(BigInt(feed))) inRooms = true
        }
      }
      for (const next of steps) {
        if (next.kind === 'feed') advance(next.count)
        else if (begun.has(next.channel)) continue
        else if (next.kind === 'follow') {
          one.follow(next.channel, `e.${feed}`)
          begun.set(next.channel, feed)
        } else {
          const since = feed - next.back
          if (inRooms) one.leaveRooms(`e.${feed}`)
          inRooms = false
          one.expect(next.channel, `e.${since}`)
          begun.set(next.channel, since)
          advance(next.during)
          const head = feed + next.ahead
          await one.replay(changes(since + 1, head), `e.${head}`, open)
          if (one.isLevelWith(BigInt(feed))) inRooms = true
        }
      }
      advance(4)
      expect(new Set(told).size).toBe(told.length)
      for (const [channel, from] of begun) {
        const due = changes(from + 1, feed).filter(({ channels }) => channels.includes(channel))
        for (const { position } of due) expect(told).toContain(Number(position))
      }
    }),
    { numRuns: 2000 },
  )
})

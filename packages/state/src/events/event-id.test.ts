import { expect, test } from 'vitest'
import { entityEventId, randomEventId } from './event-id.ts'

const at = 1_700_000_000_000
const task = (id: string) => ({ entity: 'task', id, version: 1 })

test('ids are in the order of their time, and of their place in the write', () => {
  const ids = [
    entityEventId(task('t9'), at, 0),
    randomEventId(at, 1),
    entityEventId(task('t1'), at, 2),
    randomEventId(at + 1, 0),
  ]
  expect(ids.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(ids)
})

test('two changes are two events, however many places a write has', () => {
  expect(entityEventId(task('t1'), at, 0)).not.toBe(entityEventId(task('t2'), at, 0))
  expect(entityEventId(task('t1'), at, 0)).not.toBe(entityEventId(task('t2'), at, 65_536))
})

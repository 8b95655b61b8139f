import { expect, test } from 'vitest'
import type { EventLogItem } from '@potok/contracts/event'
import { Recent } from './recent.ts'

const item = (position: number): EventLogItem => ({
  cursor: `e.${position}`,
  id: `evt_${position}`,
  event: 'custom.event',
  timestamp: '2026-01-01T00:00:00.000Z',
  data: { name: 'tick', data: null },
})
const items = (from: number, to: number): EventLogItem[] =>
  Array.from({ length: to - from + 1 }, (_, n) => item(from + n))
const cursors = (found: readonly EventLogItem[] | undefined) => found?.map(({ cursor }) => cursor)

function following(from: number, to: number, most = 10): Recent {
  const recent = new Recent(most)
  for (const one of items(from, to)) {
    recent.add(one, `e.${Number(one.cursor.slice(2)) - 1}`)
  }
  return recent
}

test('gives what follows a cursor that it knows, and nothing for one that it does not', () => {
  const recent = following(5, 8)

  expect(cursors(recent.after('e.6'))).toEqual(['e.7', 'e.8'])
  expect(cursors(recent.after('e.4'))).toEqual(['e.5', 'e.6', 'e.7', 'e.8'])
  expect(recent.after('e.8')).toEqual([])
  expect(recent.after('e.3')).toBeUndefined()
  expect(recent.after('other.6')).toBeUndefined()
})

test('keeps so many, and knows where they begin', () => {
  const recent = following(1, 25)

  expect(cursors(recent.after('e.15'))).toHaveLength(10)
  expect(recent.after('e.14')).toBeUndefined()
})

test('grows backwards by what was read from the log, without a gap and without a duplicate', () => {
  const recent = following(5, 6)

  recent.extend('e.1', items(2, 6))

  expect(cursors(recent.after('e.1'))).toEqual(['e.2', 'e.3', 'e.4', 'e.5', 'e.6'])
  expect(cursors(recent.after('e.2'))).toEqual(['e.3', 'e.4', 'e.5', 'e.6'])
})

test('does not grow by what does not reach it, nor beyond its limit', () => {
  const recent = following(5, 6, 4)

  recent.extend('e.0', items(1, 3))
  expect(recent.after('e.0')).toBeUndefined()
  recent.extend('e.0', items(1, 6))
  expect(recent.after('e.0')).toBeUndefined()
  expect(cursors(recent.after('e.5'))).toEqual(['e.6'])
})

test('after a reset nothing of before is given', () => {
  const recent = following(5, 8)

  recent.restart('f.3')

  expect(recent.after('e.6')).toBeUndefined()
  expect(recent.after('f.3')).toEqual([])
})

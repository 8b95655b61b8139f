import { expect, test } from 'vitest'
import { cursorAt, locate, type LogView } from './stretches.ts'

const view: LogView = {
  head: 120,
  purged: 10,
  stretches: [
    { epoch: 'genesis', after: -1 },
    { epoch: 'first', after: 0 },
    { epoch: 'second', after: 80 },
    { epoch: 'third', after: 120 },
  ],
}

test.each([0, 1, 80, 81, 120])('the cursor of position %i is found again', (position) => {
  const complete = { ...view, purged: 0 }

  expect(locate(complete, cursorAt(complete, position))).toEqual({ position })
})

test.each([
  ['of a store that is not ours', 'elsewhere.5', 'foreign_epoch'],
  ['that is no cursor', 'nonsense', 'foreign_epoch'],
  ['of a stretch that began later', 'second.80', 'foreign_epoch'],
  ['of events that a restore took away', 'first.100', 'ahead_of_head'],
  ['above the head', 'second.121', 'ahead_of_head'],
  ['older than retention', 'first.9', 'past_retention'],
])('a cursor %s cannot be continued', (_case, cursor, reason) => {
  expect(locate(view, cursor)).toEqual({ reason })
})

test('the last removed position can be continued: nothing after it is missing', () => {
  expect(locate(view, 'first.10')).toEqual({ position: 10 })
})

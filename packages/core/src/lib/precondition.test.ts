import { expect, test } from 'vitest'
import { ENTITY_TAGS, isKnown, isMet } from './precondition.ts'

test.each([
  [{}, undefined, true],
  [{}, 3, true],
  [{ ifMatch: '"3"' }, 3, true],
  [{ ifMatch: '"2", "3"' }, 3, true],
  [{ ifMatch: '*' }, 3, true],
  [{ ifMatch: 'W/"3"' }, 3, false],
  [{ ifMatch: '"2"' }, 3, false],
  [{ ifMatch: '*' }, undefined, false],
  [{ ifNoneMatch: '*' }, undefined, true],
  [{ ifNoneMatch: '*' }, 3, false],
  [{ ifNoneMatch: 'W/"3"' }, 3, false],
  [{ ifNoneMatch: '"2"' }, 3, true],
])('a write under %j on version %s may go on: %s', (conditions, version, met) => {
  expect(isMet(conditions, version)).toBe(met)
})

test('a reader that names the version in either strength has it already', () => {
  expect(isKnown('"3"', 3)).toBe(true)
  expect(isKnown('W/"3"', 3)).toBe(true)
  expect(isKnown('"2", "30"', 3)).toBe(false)
  expect(isKnown(undefined, 3)).toBe(false)
})

test('a tag without quotes is no entity tag', () => {
  const pattern = new RegExp(ENTITY_TAGS, 'u')

  expect(['*', '"3"', 'W/"3"', '"2", "3"'].every((text) => pattern.test(text))).toBe(true)
  expect(['3', '"3', '"2" "3"', ''].some((text) => pattern.test(text))).toBe(false)
})

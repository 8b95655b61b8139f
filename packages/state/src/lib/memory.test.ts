import { expect, test } from 'vitest'
import { createMemory } from './memory.ts'

const memory = (entries: number, characters = 1_000_000) =>
  createMemory<{ body: string | undefined }>({ entries, characters })

test('what was set is there, newest value first', () => {
  const kept = memory(100)
  kept.set('a', { body: '1' })
  kept.set('a', { body: '2' })

  expect(kept.get('a')).toEqual({ body: '2' })
  expect(kept.count()).toBe(1)
})

test('it never holds more keys than it may, and keeps those that are used', () => {
  const kept = memory(100)
  kept.set('used', { body: 'x' })
  for (let n = 0; n < 10_000; n += 1) {
    kept.set(`k${n}`, { body: 'x' })
    kept.get('used')
    expect(kept.count()).toBeLessThanOrEqual(100)
  }

  expect(kept.get('used')).toEqual({ body: 'x' })
  expect(kept.get('k9999')).toEqual({ body: 'x' })
  expect(kept.get('k5')).toBeUndefined()
})

test('it never holds more text than it may', () => {
  const kept = memory(1_000_000, 100_000)
  for (let n = 0; n < 1000; n += 1) kept.set(`k${n}`, { body: 'x'.repeat(1000) })

  const characters = kept.items().reduce((sum, [, { body }]) => sum + (body?.length ?? 0), 0)
  expect(characters).toBeLessThanOrEqual(100_000)
  expect(characters).toBeGreaterThan(20_000)
})

test('a key whose old value is half forgotten is never seen with that value again', () => {
  const kept = memory(10)
  kept.set('a', { body: 'old' })
  for (let n = 0; n < 5; n += 1) kept.set(`k${n}`, { body: 'x' })
  kept.set('a', { body: 'new' })
  for (let n = 5; n < 8; n += 1) kept.set(`k${n}`, { body: 'x' })

  expect([{ body: 'new' }, undefined]).toContainEqual(kept.get('a'))
  expect(kept.items().filter(([key, { body }]) => key === 'a' && body === 'old')).toEqual([])
})

test('cleared it is empty', () => {
  const kept = memory(10)
  kept.set('a', { body: 'x' })
  kept.clear()

  expect(kept.get('a')).toBeUndefined()
  expect(kept.count()).toBe(0)
})

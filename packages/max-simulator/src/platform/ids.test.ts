import { expect, test } from 'vitest'
import { createSequence, dialogChatId, isMid, midOf, newCallbackId } from './ids.ts'
import { stringify } from './json.ts'

test('the chat of a dialog is the bot XOR the person, also above 32 bits', () => {
  expect(dialogChatId(229_229_229, 123_456_789)).toBe(229_229_229 ^ 123_456_789)
  const big = 9_000_000_000_001
  expect(BigInt(dialogChatId(229_229_229, big))).toBe(229_229_229n ^ BigInt(big))
})

test('a message id holds chat and sequence as the platform writes them', () => {
  // From a captured answer of the platform.
  expect(midOf(182_403_740, 116_328_147_937_082_782n)).toBe('mid.000000000adf429c019d47d58f2b3d9e')
  expect(midOf(-70_801_090_403_050, 1n)).toMatch(/^mid\.ffff[0-9a-f]{12}0000000000000001$/u)
  expect(isMid(midOf(-1, 1n))).toBe(true)
  expect(isMid('mid.123')).toBe(false)
})

test('sequences hold the time, rise, and are never equal', () => {
  const now = 1_775_025_603_399
  const next = createSequence(() => now)
  const made = Array.from({ length: 1000 }, () => next())
  expect(made[0] === undefined ? 0n : made[0] >> 16n).toBe(BigInt(now))
  expect(new Set(made).size).toBe(1000)
  expect(made.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(made)
})

test('callback ids look like the platform’s and differ', () => {
  expect(newCallbackId()).toMatch(/^[A-Za-z0-9_-]{120}$/u)
  expect(newCallbackId()).not.toBe(newCallbackId())
})

test('integers above 2^53 are written as they are, absent fields are left out', () => {
  const value = { seq: 116_328_147_937_082_782n, gone: undefined, list: [1, 'я"\n', null] }
  expect(stringify(value)).toBe('{"seq":116328147937082782,"list":[1,"я\\"\\n",null]}')
})

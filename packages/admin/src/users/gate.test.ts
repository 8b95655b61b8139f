import { expect, test } from 'vitest'
import { createGate } from './gate.ts'

/** A work that ends when it is told to. */
function work() {
  let end: () => void = () => {}
  const ended = new Promise<void>((resolve) => (end = resolve))
  const state = { started: false }
  const run = async (): Promise<void> => {
    state.started = true
    await ended
  }
  return { run, end, state }
}

test('so many run at once, so many wait, first come first served, the next is told when to come back', async () => {
  const gate = createGate({ concurrency: 2, queueLimit: 2 })
  const works = [work(), work(), work(), work()]
  const passes = works.map(({ run }) => gate(run))
  const started = () => works.map(({ state }) => state.started)
  await Promise.resolve()

  expect(started()).toEqual([true, true, false, false])
  expect(gate.waiting()).toBe(2)
  await expect(gate(async () => {})).rejects.toMatchObject({
    code: 'USERS_PASSWORDS_BUSY',
    statusCode: 503,
    retryAfterSeconds: 1,
  })

  works[1]?.end()
  await passes[1]
  expect(started()).toEqual([true, true, true, false])
  for (const { end } of works) end()
  await Promise.all(passes)
  expect(gate.waiting()).toBe(0)
  expect(await gate(async () => 'free')).toBe('free')
})

test('a work that fails makes room like any other', async () => {
  const gate = createGate({ concurrency: 1, queueLimit: 0 })

  await expect(gate(async () => Promise.reject(new Error('no')))).rejects.toThrow('no')

  expect(await gate(async () => 'free')).toBe('free')
})

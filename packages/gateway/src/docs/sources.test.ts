import { expect, test } from 'vitest'
import type { ApiDocument } from './schemas.ts'
import { createSource } from './sources.ts'

const documentOf = (title: string): ApiDocument => ({
  openapi: '3.1.0',
  info: { title },
  paths: {},
})

function stage() {
  const told: string[] = []
  const state = { title: 'first', isDown: false, readings: 0, now: 0 }
  const source = createSource({
    name: 'state',
    ttlMs: 1000,
    now: () => state.now,
    log: {
      info: (_fields: object, message?: string) => void told.push(`info ${message}`),
      warn: (_fields: object, message?: string) => void told.push(`warn ${message}`),
    },
    async read() {
      state.readings += 1
      if (state.isDown) throw new Error('nobody listens')
      return documentOf(state.title)
    },
  })
  return { state, source, told }
}

test('a document is read once, by however many ask, until it is too old', async () => {
  const { state, source } = stage()

  const found = await Promise.all([source(), source(), source()])
  state.title = 'second'
  expect((await source()).document).toEqual(documentOf('first'))
  expect([...new Set(found.map(({ isCurrent }) => isCurrent)), state.readings]).toEqual([true, 1])

  state.now = 1000
  expect(await source()).toEqual({
    name: 'state',
    document: documentOf('second'),
    readAt: 1000,
    isCurrent: true,
  })
})

test('the last good one stays while the service is down, and it is tried again at each asking', async () => {
  const { state, source, told } = stage()
  await source()
  state.isDown = true
  state.now = 5000

  const last = { name: 'state', document: documentOf('first'), readAt: 0, isCurrent: false }
  expect([await source(), await source()]).toEqual([last, last])
  expect(state.readings).toBe(3)
  expect(told).toEqual(['warn the document of a service could not be read'])

  state.isDown = false
  expect(await source()).toMatchObject({ readAt: 5000, isCurrent: true })
  expect(told.at(-1)).toBe('info the document of a service is there again')
})

test('of a service that never answered there is no document', async () => {
  const { state, source, told } = stage()
  state.isDown = true

  const none = { name: 'state', document: undefined, readAt: undefined, isCurrent: false }
  expect([await source(), await source()]).toEqual([none, none])
  expect(told).toHaveLength(1)
})

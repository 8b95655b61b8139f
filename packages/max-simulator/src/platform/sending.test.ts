import { describe, expect, test, vi } from 'vitest'
import { createPlatform } from './platform.ts'
import type { AttachmentRequest } from './schemas.ts'

const ANNA = 501_001_001
const TO_ANNA = { userId: ANNA, preview: false }
const DAY_MS = 24 * 60 * 60 * 1000
const keyboard: AttachmentRequest = {
  type: 'inline_keyboard',
  payload: { buttons: [[{ type: 'callback', text: 'x', payload: 'x' }]] },
}

describe('time on the platform’s clock', () => {
  test('after seven days only a message with a keyboard can be edited in a dialog', async () => {
    // A week in a tenth of a second.
    const platform = createPlatform({ timeScale: (70 * DAY_MS) / 1000, rateLimits: false })
    platform.dialogs.start(ANNA)
    const plain = platform.sending.send(TO_ANNA, { text: 'x' })
    const card = platform.sending.send(TO_ANNA, { text: 'x', attachments: [keyboard] })
    expect(platform.sending.edit(plain.mid, { text: 'y' })).toEqual({ success: true })
    await vi.waitFor(() =>
      expect(platform.sending.edit(plain.mid, { text: 'z' })).toEqual({
        success: false,
        message: 'Message is too old to be edited',
      }),
    )
    expect(platform.sending.edit(card.mid, { text: 'z' })).toEqual({ success: true })
  })

  test('an update that nobody polls for a day is gone', async () => {
    const platform = createPlatform({ timeScale: DAY_MS / 100 })
    platform.dialogs.start(ANNA)
    expect(platform.eventLog.read({ limit: 10 }).updates).toHaveLength(1)
    await vi.waitFor(() => expect(platform.eventLog.read({ limit: 10 }).updates).toHaveLength(0))
  })
})

describe('what is kept', () => {
  test('the oldest messages go when there are too many, wherever they are', () => {
    const platform = createPlatform({ bounds: { messages: 3 }, rateLimits: false })
    const { chatId } = platform.dialogs.start(ANNA)
    const sent = ['1', '2', '3', '4'].map((text) => platform.sending.send(TO_ANNA, { text }))
    expect(platform.messages.inChat(chatId).map(({ content }) => content.text)).toEqual([
      '2',
      '3',
      '4',
    ])
    expect(() => platform.sending.edit(sent[0]?.mid ?? '', { text: 'x' })).toThrow('not found')
  })

  test('what the bot wrote is kept beside what everybody reads', () => {
    const platform = createPlatform()
    platform.dialogs.start(ANNA)
    const { content } = platform.sending.send(TO_ANNA, { text: '**x** \\*', format: 'markdown' })
    expect(content).toMatchObject({
      text: 'x *',
      markup: [{ type: 'strong', from: 0, length: 1 }],
      source: { text: '**x** \\*', format: 'markdown' },
    })
  })

  test('the bot does not see messages of a group it is not in, and is not told of its own', () => {
    const platform = createPlatform()
    platform.dialogs.start(ANNA)
    const { chatId } = platform.groups.create({ title: 'G', ownerId: ANNA })
    const { mid } = platform.writing.write(ANNA, { chatId, text: 'тайна' })
    expect(() => platform.sending.remove(mid)).toThrow('not found')
    const { marker } = platform.eventLog.read({ limit: 10 })
    const own = platform.sending.send(TO_ANNA, { text: 'x' })
    platform.sending.edit(own.mid, { text: 'y' })
    platform.sending.remove(own.mid)
    expect(platform.eventLog.read({ limit: 10, marker }).updates).toEqual([])
  })
})

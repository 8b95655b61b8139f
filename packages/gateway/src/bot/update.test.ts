import { describe, expect, it } from 'vitest'
import { addressOf } from './addressing.ts'
import { laneOf, readUpdate } from './update.ts'

const user = { user_id: 7, first_name: 'Анна', is_bot: false, last_activity_time: 1 }
const message = {
  recipient: { chat_id: 70, chat_type: 'dialog', user_id: 1 },
  timestamp: 1000,
  body: { mid: 'mid.1', seq: 1, text: 'привет' },
  sender: user,
}
const created = (changes: object = {}) =>
  readUpdate('message_created', {
    update_type: 'message_created',
    timestamp: 1001,
    message: { ...message, ...changes },
  })

describe('reading updates', () => {
  it.each([{}, { text: null }, { text: '' }])(
    'a message without text has an empty one: %o',
    (body) => {
      const read = created({ body: { mid: 'mid.1', seq: 1, ...body } })
      expect(read.text).toBe('')
    },
  )

  it('absent and null are the same: sender, chat, link, markup', () => {
    const bare = created({ sender: null, recipient: { chat_id: null }, link: null })
    expect(bare).toMatchObject({ sender: undefined, chat: { id: undefined, group: false } })
    expect(laneOf(bare)).toBe('unknown')
  })

  it('a press without its message has person and payload', () => {
    const press = readUpdate('message_callback', {
      update_type: 'message_callback',
      timestamp: 5,
      callback: { callback_id: 'c', timestamp: 4, payload: 'menu', user },
      message: null,
    })
    expect(press).toMatchObject({ callback: { id: 'c', payload: 'menu' }, mid: undefined })
    expect(laneOf(press)).toBe('user:7')
  })

  it('the same update has the same key, another one another', () => {
    expect(created().key).toBe(created().key)
    expect(created({ body: { mid: 'mid.2', seq: 2 } }).key).not.toBe(created().key)
  })

  it('presses that share a callback id are told apart by time, person and button', () => {
    const press = (timestamp: number, payload: string, user_id: number) =>
      readUpdate('message_callback', {
        update_type: 'message_callback',
        timestamp: 5,
        callback: { callback_id: 'c', timestamp, payload, user: { ...user, user_id } },
      }).key
    expect(
      new Set([press(1, 'a', 7), press(2, 'a', 7), press(1, 'b', 7), press(1, 'a', 8)]).size,
    ).toBe(4)
  })

  it('what a type cannot be without is refused', () => {
    expect(() =>
      readUpdate('message_created', { update_type: 'message_created', timestamp: 1 }),
    ).toThrow('/message')
  })
})

describe('in a group', () => {
  const self = { id: 1, name: 'Поток', username: 'potok_bot' }
  const group = { chat_id: -5, chat_type: 'chat' }
  const say = (text: string, extra: object = {}) => {
    const { body = {}, ...rest } = extra as { body?: object }
    const incoming = created({
      recipient: group,
      body: { mid: 'mid.1', seq: 1, text, ...body },
      ...rest,
    })
    const { incoming: read, isForBot } = addressOf(incoming, self)
    return { text: read.text, isForBot, mentions: read.mentions }
  }

  it('the bot is meant by a mention, an answer or a command', () => {
    expect(say('просто разговор').isForBot).toBe(false)
    expect(say('@potok_bot, сделай отчёт')).toMatchObject({ text: 'сделай отчёт', isForBot: true })
    expect(say('@potok_bottle сделай').isForBot).toBe(false)
    expect(say('/NEW@potok_bot Отчёт')).toMatchObject({ text: '/new Отчёт', isForBot: true })
    expect(say('/new@other_bot Отчёт').isForBot).toBe(false)
    const reply = { link: { type: 'reply', sender: { user_id: 1 }, message: { text: 'x' } } }
    expect(say('да', reply).isForBot).toBe(true)
    const foreign = { link: { type: 'reply', sender: { user_id: 2 }, message: { text: 'x' } } }
    expect(say('да', foreign).isForBot).toBe(false)
  })

  it('marked mentions are taken out, the others keep their places', () => {
    const markup = [
      { type: 'user_mention', from: 0, length: 5, user_id: 1 },
      { type: 'user_mention', from: 13, length: 4, user_id: 7 },
      { type: 'strong', from: 0, length: 1 },
    ]
    const { text, isForBot, mentions } = say('Поток /new для Анна отчёт', {
      body: { markup: [markup[0], { ...markup[1], from: 15 }, markup[2]] },
    })
    expect(text).toBe('/new для Анна отчёт')
    expect(isForBot).toBe(true)
    expect(mentions).toEqual([{ from: 9, length: 4, maxUserId: 7 }])
    expect(text.slice(9, 13)).toBe('Анна')
  })
})

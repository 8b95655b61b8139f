import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { WireUpdate } from '../platform/wire.ts'
import { startSimulator, type RunningSimulator } from '../testing/simulator.ts'

const ANNA = 501_001_001
const BORIS = 501_001_002

let simulator: RunningSimulator

beforeEach(async () => {
  simulator = await startSimulator()
})
afterEach(() => simulator.app.close())

async function control(method: string, path: string, body?: unknown) {
  const response = await simulator.call(method, `/control${path}`, body)
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

/** What the bot was told since the last call. */
function told(): WireUpdate[] {
  const { updates, marker } = simulator.platform.eventLog.read({ limit: 1000 })
  simulator.platform.eventLog.read({ limit: 1000, marker })
  return updates
}

describe('people', () => {
  test('two are there from the start, with ids that never change', async () => {
    expect((await control('GET', '/people')).body).toMatchObject([
      { userId: ANNA, name: 'Анна Смирнова', dialog: 'none', chatId: 229_229_229 ^ ANNA },
      { userId: BORIS, name: 'Борис Орлов', dialog: 'none' },
    ])
  })

  test('a new one starts the bot by a link', async () => {
    const { status, body } = await control('POST', '/people', { firstName: 'Вера', locale: 'en' })
    expect(status).toBe(201)
    await control('POST', `/people/${body.userId}/start`, { payload: 'invite' })
    expect(told()).toMatchObject([
      {
        update_type: 'bot_started',
        chat_id: body.chatId,
        user: { user_id: body.userId, first_name: 'Вера', name: 'Вера', is_bot: false },
        payload: 'invite',
        user_locale: 'en',
      },
    ])
  })

  test('a payload above 128 characters is dropped, the bot starts all the same', async () => {
    await control('POST', `/people/${ANNA}/start`, { payload: 'x'.repeat(129) })
    const [update] = told()
    expect(update?.update_type).toBe('bot_started')
    expect(update?.['payload']).toBeUndefined()
  })

  test('stopping, clearing, muting and removing tell the bot what MAX tells', async () => {
    await control('POST', `/people/${ANNA}/start`)
    await control('POST', `/people/${ANNA}/clear-dialog`)
    await control('POST', `/people/${ANNA}/mute`, { until: 5 })
    await control('POST', `/people/${ANNA}/mute`)
    await control('POST', `/people/${ANNA}/remove-dialog`)
    expect(told().map(({ update_type }) => update_type)).toEqual([
      'bot_started',
      'dialog_cleared',
      'dialog_muted',
      'dialog_unmuted',
      'bot_stopped',
      'dialog_removed',
    ])
    expect((await control('POST', `/people/${ANNA}/stop`)).status).toBe(409)
  })
})

describe('messages of people', () => {
  beforeEach(() => {
    simulator.platform.dialogs.start(ANNA)
    told()
  })

  test('they are written, edited and deleted', async () => {
    const { status, body } = await control('POST', `/people/${ANNA}/messages`, { text: 'раз' })
    expect(status).toBe(201)
    await control('PUT', `/people/${ANNA}/messages/${body.mid}`, { text: 'два' })
    expect((await control('GET', `/people/${ANNA}/messages`)).body).toMatchObject([
      { mid: body.mid, text: 'два', sender: { userId: ANNA, isBot: false } },
    ])
    const removed = await control('DELETE', `/people/${ANNA}/messages/${body.mid}`)
    expect(removed.status).toBe(204)
    expect(told()).toMatchObject([
      { update_type: 'message_created', message: { body: { text: 'раз' } } },
      { update_type: 'message_edited', message: { body: { mid: body.mid, text: 'два' } } },
      { update_type: 'message_removed', message_id: body.mid, user_id: ANNA },
    ])
  })

  test.each([
    ['absent', undefined],
    ['empty', ''],
    ['null', null],
  ])('the text of an attachment can be %s', async (emptyText, text) => {
    const attachments = [{ type: 'file', filename: 'отчёт.pdf', size: 10 }]
    await control('POST', `/people/${ANNA}/messages`, { attachments, emptyText })
    const [update] = told()
    const { body } = (update as unknown as { message: { body: Record<string, unknown> } }).message
    expect(body['text']).toBe(text)
    expect(body['attachments']).toMatchObject([{ type: 'file', filename: 'отчёт.pdf', size: 10 }])
  })

  test('every kind of attachment, and an answer to a message', async () => {
    const attachments = [
      { type: 'image' },
      { type: 'video' },
      { type: 'audio' },
      { type: 'sticker', code: 'smile' },
      { type: 'contact', name: 'Вера', phone: '+79990000000' },
      { type: 'share', url: 'https://example.com' },
      { type: 'location', latitude: 55.7, longitude: 37.6 },
    ]
    const first = await control('POST', `/people/${ANNA}/messages`, { text: 'x' })
    const replyTo = first.body.mid
    const second = await control('POST', `/people/${ANNA}/messages`, { attachments, replyTo })
    expect(second.body.attachments.map(({ type }: { type: string }) => type)).toEqual(
      attachments.map(({ type }) => type),
    )
    expect(told().at(-1)).toMatchObject({
      message: { link: { type: 'reply', message: { mid: replyTo, text: 'x' } } },
    })
  })

  test('what cannot be is said clearly', async () => {
    const path = `/people/${ANNA}/messages`
    const { body } = await control('POST', path, { text: 'x' })
    for (const [status, method, where, sent] of [
      [400, 'POST', path, {}],
      [400, 'POST', path, { text: ' ' }],
      [400, 'POST', path, { text: 'я'.repeat(4001) }],
      [400, 'POST', path, { txt: 'x' }],
      [400, 'POST', path, { attachments: [{ type: 'location' }] }],
      [400, 'POST', path, { attachments: [{ type: 'poll' }] }],
      [400, 'POST', '/people/abc/messages', { text: 'x' }],
      [404, 'POST', '/people/7/messages', { text: 'x' }],
      [404, 'POST', path, { text: 'x', chatId: -1 }],
      [404, 'POST', path, { text: 'x', replyTo: 'mid.1' }],
      [404, 'PUT', `${path}/mid.1`, { text: 'x' }],
      [409, 'PUT', `/people/${BORIS}/messages/${body.mid}`, { text: 'x' }],
      [409, 'POST', `/people/${BORIS}/messages`, { text: 'x' }],
      [409, 'POST', '/people', { firstName: 'Анна', userId: ANNA }],
      [400, 'POST', '/people', { firstName: '' }],
    ] as const) {
      const answer = await control(method, where, sent)
      expect([answer.status, where, sent]).toEqual([status, where, sent])
      expect(answer.body).toEqual({
        code: expect.stringMatching(/^control\./u),
        message: expect.stringMatching(/./u),
      })
    }
  })
})

describe('buttons', () => {
  const buttons = [
    [
      { type: 'callback', text: 'Готово', payload: 'done' },
      { type: 'clipboard', text: 'Скопировать', payload: 'x' },
    ],
    [
      { type: 'request_contact', text: 'Контакт' },
      { type: 'request_geo_location', text: 'Место' },
    ],
  ]
  const press = (body: object) => control('POST', `/people/${ANNA}/presses`, body)

  beforeEach(async () => {
    simulator.platform.dialogs.start(ANNA)
    for (const text of ['старая', 'новая']) {
      await simulator.call('POST', `/messages?user_id=${ANNA}`, {
        text,
        attachments: [{ type: 'inline_keyboard', payload: { buttons } }],
      })
    }
    told()
  })

  test('the newest message with such a button is pressed, or the one that is named', async () => {
    const [old, newest] = (await control('GET', `/people/${ANNA}/messages`)).body
    expect((await press({ payload: 'done' })).body).toMatchObject({
      mid: newest.mid,
      button: { text: 'Готово' },
    })
    expect((await press({ text: 'Готово', mid: old.mid })).body.mid).toBe(old.mid)
    expect(told()).toMatchObject([
      { message: { body: { mid: newest.mid, text: 'новая' } }, callback: { payload: 'done' } },
      {
        message: {
          body: { mid: old.mid, text: 'старая', attachments: [{ payload: { buttons } }] },
        },
      },
    ])
  })

  test('contact and place are sent by the person, what is copied is nobody’s business', async () => {
    await press({ text: 'Контакт' })
    await press({ text: 'Место' })
    await press({ text: 'Скопировать' })
    expect(told()).toMatchObject([
      {
        message: {
          body: { attachments: [{ type: 'contact', payload: { max_info: { user_id: ANNA } } }] },
        },
      },
      { message: { body: { attachments: [{ type: 'location' }] } } },
    ])
  })

  test('a button that is not there', async () => {
    expect(await press({ payload: 'other' })).toMatchObject({
      status: 404,
      body: { code: 'control.not.found' },
    })
    expect((await press({})).status).toBe(400)
  })
})

describe('groups', () => {
  test('the bot hears only as an administrator who reads everything', async () => {
    const { body } = await control('POST', '/chats', {
      title: 'Команда',
      ownerId: ANNA,
      memberIds: [BORIS],
    })
    const { chatId } = body
    expect(chatId).toBeLessThan(0)
    await control('PUT', `/chats/${chatId}/bot`)
    await control('POST', `/people/${ANNA}/messages`, { text: 'не слышно', chatId })
    await control('PATCH', `/chats/${chatId}/bot`, { permissions: ['read_all_messages'] })
    await control('POST', `/people/${BORIS}/messages`, { text: 'слышно', chatId })
    await control('PATCH', `/chats/${chatId}`, { title: 'Бригада', userId: BORIS })
    const added = await control('POST', '/people', { firstName: 'Вера' })
    const { userId } = added.body
    await control('POST', `/chats/${chatId}/members`, { userId, inviterId: ANNA })
    await control('DELETE', `/chats/${chatId}/members/${userId}?userId=${ANNA}`)
    await control('DELETE', `/chats/${chatId}/bot`)
    expect(told()).toMatchObject([
      { update_type: 'bot_added', chat_id: chatId, user: { user_id: ANNA }, is_channel: false },
      { update_type: 'bot_admin_permissions_changed', is_admin: true, bot_id: 229_229_229 },
      {
        update_type: 'message_created',
        message: { recipient: { chat_id: chatId, chat_type: 'chat' }, body: { text: 'слышно' } },
      },
      { update_type: 'chat_title_changed', title: 'Бригада', user: { user_id: BORIS } },
      { update_type: 'user_added', user: { user_id: userId }, inviter_id: ANNA },
      { update_type: 'user_removed', user: { user_id: userId }, admin_id: ANNA },
      { update_type: 'bot_removed', chat_id: chatId },
    ])
    expect((await control('GET', `/chats/${chatId}/messages`)).body).toHaveLength(2)
  })
})

describe('switches', () => {
  test('faults are shown, changed and cleared; a misspelt one is refused', async () => {
    const changed = await control('PATCH', '/faults/delivery', { duplicates: 1 })
    expect(changed.body.delivery).toMatchObject({ duplicates: 1, reorder: false })
    expect((await control('PATCH', '/faults/delivery', { dupes: 1 })).status).toBe(400)
    expect((await control('POST', '/faults/api', { effect: 'explode' })).status).toBe(400)
    await control('POST', '/faults/api', { effect: 'hang' })
    expect((await control('GET', '/faults')).body.api).toMatchObject([{ effect: 'hang', times: 1 }])
    const cleared = await control('DELETE', '/faults')
    expect(cleared.body).toMatchObject({ delivery: { duplicates: 0 }, api: [] })
  })

  test('limits are switched', async () => {
    expect((await control('PATCH', '/limits', { rateLimits: true })).status).toBe(200)
    expect(simulator.platform.limits.enabled).toBe(true)
  })

  test('subscriptions are dropped without a word', async () => {
    await simulator.call('POST', '/subscriptions', { url: 'https://a.example/hook' })
    expect((await control('GET', '/subscriptions')).body).toHaveLength(1)
    expect((await control('GET', '/status')).body.mode).toBe('webhook')
    expect((await control('DELETE', '/subscriptions')).status).toBe(204)
    expect(await (await simulator.call('GET', '/subscriptions')).json()).toEqual({
      subscriptions: [],
    })
  })

  test('any update can be sent to the bot', async () => {
    const update = { update_type: 'message_callback', callback: { callback_id: 'x' }, odd: [null] }
    expect((await control('POST', '/updates', update)).status).toBe(202)
    expect(told()).toMatchObject([{ ...update, timestamp: expect.any(Number) }])
  })

  test('a reset brings the beginning back and keeps the webhook unless told otherwise', async () => {
    await simulator.call('POST', '/subscriptions', { url: 'https://a.example/hook' })
    await control('POST', '/people', { firstName: 'Вера' })
    await control('PATCH', '/faults/delivery', { duplicates: 1 })
    await control('POST', '/reset')
    expect((await control('GET', '/people')).body).toHaveLength(2)
    expect((await control('GET', '/faults')).body.delivery.duplicates).toBe(0)
    expect((await control('GET', '/subscriptions')).body).toHaveLength(1)
    await control('POST', '/reset', { subscriptions: true })
    expect((await control('GET', '/subscriptions')).body).toHaveLength(0)
  })
})

describe('who may come in', () => {
  test.each([{ host: 'evil.example' }, { origin: 'https://evil.example' }])(
    'not a page of another origin: %j',
    async (headers) => {
      for (const url of ['/control/people', '/']) {
        const response = await simulator.app.inject({ url, headers })
        expect([url, response.statusCode]).toEqual([url, 403])
      }
    },
  )

  test('the simulator’s own page may', async () => {
    const origin = simulator.url
    const response = await simulator.app.inject({ url: '/control/people', headers: { origin } })
    expect(response.statusCode).toBe(200)
  })
})

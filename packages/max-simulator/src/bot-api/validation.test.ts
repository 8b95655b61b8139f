import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bodyOf, startSimulator, TOKEN, type RunningSimulator } from '../testing/simulator.ts'

const ANNA = 501_001_001
const MESSAGES = `/messages?user_id=${ANNA}`

let simulator: RunningSimulator

beforeAll(async () => {
  simulator = await startSimulator()
})
afterAll(() => simulator.app.close())
beforeEach(() => {
  simulator.platform.reset({ subscriptions: true })
  simulator.platform.dialogs.start(ANNA)
})

async function refusal(method: string, path: string, body?: unknown) {
  const response = await simulator.call(method, path, body)
  return { status: response.status, ...(await bodyOf(response)) }
}

const many = <T>(length: number, one: T): T[] => Array.from({ length }, () => one)
const keyboard = (buttons: unknown): unknown => ({
  text: 'x',
  attachments: [{ type: 'inline_keyboard', payload: { buttons } }],
})
const callback = { type: 'callback', text: 'x', payload: 'x' }
const link = { type: 'link', text: 'x', url: 'https://example.com' }
const file = { type: 'file', payload: { token: 'x' } }

describe('the token', () => {
  test.each([undefined, `Bearer ${TOKEN}`, 'other', ''])('%j is none', async (authorization) => {
    const response = await fetch(`${simulator.url}/me`, {
      headers: authorization === undefined ? {} : { authorization },
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(await response.json()).toEqual({
      code: 'verify.token',
      message: 'Invalid access_token',
    })
  })

  test('it does not belong into the query', async () => {
    const response = await fetch(`${simulator.url}/me?access_token=${TOKEN}`)
    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({
      code: 'verify.token',
      message: 'Query parameter access_token is deprecated, use Authorization header',
    })
  })
})

describe('messages that the platform refuses', () => {
  test.each([
    ['no text', {}, /must have text/u],
    ['an empty text', { text: '' }, /must have text/u],
    ['a keyboard alone', { ...(keyboard([[callback]]) as object), text: null }, /must have text/u],
    ['a text of another type', { text: 5 }, /text/u],
    ['4001 characters', { text: 'я'.repeat(4001) }, /^text: size must be between 0 and 4000$/u],
    ['an unknown format', { text: 'x', format: 'bb' }, /format/u],
    ['an unknown attachment', { text: 'x', attachments: [{ type: 'poll' }] }, /attachments/u],
    [
      'two files',
      { text: 'x', attachments: [file, file] },
      /^Must be only one file attachment in/u,
    ],
    ['13 attachments', { text: 'x', attachments: many(13, file) }, /at most 12/u],
    ['an unknown link', { text: 'x', link: { type: 'reply', mid: 'nonsense' } }, /message_id/u],
    ['no rows', keyboard([]), /at least one row/u],
    ['an empty row', keyboard([[]]), /at least one button/u],
    ['31 rows', keyboard(many(31, [callback])), /at most 30 rows/u],
    ['8 buttons in a row', keyboard([many(8, callback)]), /at most 7/u],
    ['4 links in a row', keyboard([many(4, link)]), /at most 3/u],
    ['no payload', keyboard([[{ type: 'callback', text: 'x' }]]), /'payload' cannot be null/u],
    ['1025 in a payload', keyboard([[{ ...callback, payload: 'x'.repeat(1025) }]]), /0 and 1024/u],
    ['a long address', keyboard([[{ ...link, url: 'x'.repeat(2049) }]]), /0 and 2048/u],
    ['129 in a button', keyboard([[{ ...callback, text: 'x'.repeat(129) }]]), /text/u],
    ['an unknown button', keyboard([[{ type: 'chat', text: 'x' }]]), /type/u],
    ['no app', keyboard([[{ type: 'open_app', text: 'x' }]]), /^Field 'webApp' cannot be null$/u],
  ])('%s', async (_name, body, message) => {
    expect(await refusal('POST', MESSAGES, body)).toEqual({
      status: 400,
      code: 'proto.payload',
      message: expect.stringMatching(message),
    })
  })

  test('210 buttons and 4000 characters are still taken', async () => {
    const body = { ...(keyboard(many(30, many(7, callback))) as object) }
    const response = await simulator.call('POST', MESSAGES, { ...body, text: 'я'.repeat(4000) })
    expect(response.status).toBe(200)
  })

  test('unknown fields and nulls are taken', async () => {
    const body = { text: 'x', attachments: null, link: null, format: null, notify: null, extra: 1 }
    expect((await simulator.call('POST', MESSAGES, body)).status).toBe(200)
  })

  test.each([
    ['/messages', { status: 400, code: 'proto.payload' }],
    ['/messages?user_id=abc', { status: 400, code: 'proto.payload' }],
    ['/messages?chat_id=0', { status: 403, code: 'chat.denied', message: 'Invalid chatId: 0' }],
    ['/messages?chat_id=-5', { status: 403, code: 'chat.denied' }],
    ['/messages?user_id=1', { status: 403, message: 'error.dialog.notfound' }],
  ])('to %s', async (path, expected) => {
    expect(await refusal('POST', path, { text: 'x' })).toMatchObject(expected)
  })

  test('a body that is no JSON', async () => {
    const response = await fetch(simulator.url + MESSAGES, {
      method: 'POST',
      headers: { authorization: TOKEN, 'content-type': 'application/json' },
      body: '{"text":',
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'proto.payload' })
  })

  test('a silent post in a channel, and any post without the right', async () => {
    const { groups } = simulator.platform
    const { chatId } = groups.create({ type: 'channel', title: 'Новости', ownerId: ANNA })
    groups.addBot(chatId, [])
    const path = `/messages?chat_id=${chatId}`
    expect(await refusal('POST', path, { text: 'x' })).toMatchObject({
      code: 'chat.denied',
      message: 'chat.send.msg.no.permission.because.not.admin',
    })
    groups.allowBot(chatId, ['write'])
    expect(await refusal('POST', path, { text: 'x', notify: false })).toMatchObject({ status: 400 })
    const post = await bodyOf(await simulator.call('POST', path, { text: 'x' }))
    expect(post['message']).not.toHaveProperty('sender')
  })
})

describe('ids of messages', () => {
  test('a malformed one is a bad request, an unknown one is not found', async () => {
    expect(await refusal('PUT', '/messages?message_id=x', { text: 'x' })).toMatchObject({
      status: 400,
      code: 'proto.payload',
    })
    const unknown = `mid.${'0'.repeat(32)}`
    expect(await refusal('DELETE', `/messages?message_id=${unknown}`)).toMatchObject({
      status: 404,
      code: 'not.found',
    })
    expect(await refusal('GET', `/messages/${unknown}`)).toMatchObject({ status: 404 })
  })
})

describe('subscriptions that the platform refuses', () => {
  const url = 'https://bot.example.com/hook'
  test.each([
    [{ url: 'http://bot.example.com/hook' }],
    [{ url: 'https://bot.example.com:8443/hook' }],
    [{ url: 'https://user:password@bot.example.com/' }],
    [{ url: 'not a url' }],
    [{ url, secret: 'abc' }],
    [{ url, secret: 'with space' }],
    [{ url, update_types: ['nonsense'] }],
    [{ url, update_types: ['bot_started', 'bot_started'] }],
    [{}],
  ])('%j', async (body) => {
    expect(await refusal('POST', '/subscriptions', body)).toMatchObject({
      status: 400,
      code: 'proto.payload',
    })
  })

  test('this machine may be a target by plain HTTP, unless that is switched off', async () => {
    const here = { url: 'http://127.0.0.1:3001/hook' }
    expect((await simulator.call('POST', '/subscriptions', here)).status).toBe(200)
    const strict = await startSimulator({ loopbackTargets: false })
    expect((await strict.call('POST', '/subscriptions', here)).status).toBe(400)
    await strict.app.close()
  })
})

describe('the rest', () => {
  test('numbers on the wire are not rounded', async () => {
    const response = await simulator.call('POST', MESSAGES, { text: 'x' })
    const text = await response.text()
    const seq = /"seq":(\d+)/u.exec(text)?.[1] ?? ''
    const mid = /"mid":"mid\.[0-9a-f]{16}([0-9a-f]{16})"/u.exec(text)?.[1] ?? ''
    expect(BigInt(seq)).toBe(BigInt(`0x${mid}`))
    expect(text).not.toContain('null')
  })

  test('a path or method that is not there is not found, in the platform’s words', async () => {
    expect(await refusal('GET', '/chats')).toMatchObject({ status: 404, code: 'not.found' })
    expect(await refusal('PATCH', '/me')).toMatchObject({ status: 404 })
  })

  test.each(['limit=0', 'limit=1001', 'timeout=91', 'limit=x'])(
    'GET /updates?%s',
    async (query) => {
      expect(await refusal('GET', `/updates?${query}`)).toMatchObject({ code: 'proto.payload' })
    },
  )

  test('an unknown action, 33 commands, an upload of a photo', async () => {
    const { chatId } = simulator.platform.chats.dialog(ANNA)
    const commands = Array.from({ length: 33 }, (_, n) => ({ name: `c${n}` }))
    for (const [method, path, body] of [
      ['POST', `/chats/${chatId}/actions`, { action: 'dance' }],
      ['PATCH', '/me/commands', { commands }],
      ['POST', '/uploads?type=photo', undefined],
    ] as const) {
      expect(await refusal(method, path, body)).toMatchObject({
        status: 400,
        code: 'proto.payload',
      })
    }
  })
})

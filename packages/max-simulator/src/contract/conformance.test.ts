import { afterEach, beforeEach, expect, test } from 'vitest'
import { startReceiver } from '../testing/receiver.ts'
import { startSimulator, type RunningSimulator } from '../testing/simulator.ts'

const ANNA = 501_001_001

let simulator: RunningSimulator

beforeEach(async () => {
  simulator = await startSimulator()
  simulator.platform.dialogs.start(ANNA)
})
afterEach(() => simulator.app.close())

const wrong = () =>
  simulator.platform.conformance
    .violations()
    .map(({ part, subject, errors }) => `${part} ${subject}: ${errors.join('; ')}`)

test('what fits is counted and nothing is said of it', async () => {
  const sent = await simulator.call('POST', `/messages?user_id=${ANNA}&disable_link_preview=true`, {
    text: '**Привет**',
    format: 'markdown',
    attachments: [
      {
        type: 'inline_keyboard',
        payload: { buttons: [[{ type: 'callback', text: 'Да', payload: 'yes' }]] },
      },
    ],
  })
  expect(sent.status).toBe(200)
  await simulator.call('GET', '/updates?limit=10&timeout=0&types=bot_started,message_created')
  await simulator.call('GET', '/chats/0')
  expect(wrong()).toEqual([])
  // The update; query, body and answer of the first call; query and answer of the others.
  expect(simulator.platform.conformance.checked).toBe(8)
})

test.each([
  ['a field with another name', 'POST', `/messages?user_id=${ANNA}`, { text: 'x', txt: 'y' }],
  ['a parameter with another name', 'POST', `/messages?user=${ANNA}`, { text: 'x' }],
  ['a number that is none', 'GET', '/updates?limit=many', undefined],
  ['a number out of its bounds', 'GET', '/messages?chat_id=1&count=0', undefined],
  ['a text that is too long', 'POST', `/messages?user_id=${ANNA}`, { text: 'x'.repeat(4001) }],
  [
    'a button without what it sends',
    'PUT',
    '/messages?message_id=mid.1',
    {
      attachments: [
        { type: 'inline_keyboard', payload: { buttons: [[{ type: 'callback', text: 'Да' }]] } },
      ],
    },
  ],
  ['a call that there is not', 'GET', '/bots', undefined],
])('%s is kept as a violation', async (_what, method, path, body) => {
  await simulator.call(method, path, body)
  expect(wrong()).toHaveLength(1)
  expect(wrong()[0]).toMatch(/^request /u)
})

test('an update and an answer that do not fit are the simulator’s own fault, and kept too', () => {
  const { conformance, updates } = simulator.platform
  updates.publish('bot_started', 1, { chat_id: 1, user: { user_id: ANNA } })
  conformance.answer('GET /me', 200, { user_id: 'me' })
  conformance.answer('GET /me', 500, { error: 'no code' })
  expect(wrong().map((line) => line.split(':')[0])).toEqual([
    'update bot_started',
    'answer GET /me',
    'answer GET /me',
  ])
})

test('answers that a fault made are not judged', async () => {
  simulator.platform.faults.arm({ path: '/me', effect: 'html' })
  expect((await simulator.call('GET', '/me')).status).toBe(502)
  expect(wrong()).toEqual([])
})

test('everything that people can do is pushed as described', async () => {
  const receiver = await startReceiver()
  const { platform } = simulator
  await simulator.call('POST', '/subscriptions', { url: receiver.url, secret: 'secret-1' })
  for (const emptyText of ['absent', 'empty', 'null'] as const) {
    const attachments = [{ type: 'location' as const, latitude: 1, longitude: 2 }]
    platform.writing.write(ANNA, { emptyText, attachments })
  }
  const { mid } = platform.writing.write(ANNA, { text: 'раз' })
  platform.writing.edit(ANNA, mid, 'два')
  platform.writing.remove(ANNA, mid)
  platform.dialogs.mute(ANNA)
  platform.dialogs.stop(ANNA)
  platform.dialogs.start(ANNA, 'invite')
  platform.dialogs.remove(ANNA)
  const group = platform.groups.create({ title: 'Команда', ownerId: ANNA, memberIds: [] })
  platform.groups.addBot(group.chatId, ['read_all_messages', 'write'])
  platform.groups.removeBot(group.chatId)
  expect(platform.conformance.checked).toBeGreaterThan(12)
  expect(wrong()).toEqual([])
  await receiver.close()
})

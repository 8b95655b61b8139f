import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ANNA, type Person } from './person.ts'
import { updatesIn, WAYS } from './samples.ts'
import { SECRET, setStage, type Stage } from './stage.ts'

/** What the bot acts upon; all else is counted and let go. */
const KNOWN = new Set([
  'message_created',
  'message_callback',
  'bot_started',
  'bot_stopped',
  'dialog_removed',
  'bot_added',
  'bot_removed',
  'message_removed',
])
const TYPES = 19

let stage: Stage
let anna: Person

beforeAll(async () => {
  stage = await setStage()
  anna = stage.person(ANNA)
  anna.start()
  await anna.hears('Здравствуйте')
}, 120_000)
afterAll(() => stage.close())

async function push(update: object): Promise<number> {
  const response = await fetch(`${stage.gateway.url()}/api/v1/bot/webhook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-max-bot-api-secret': SECRET },
    body: JSON.stringify(update),
  })
  await response.body?.cancel()
  return response.status
}

async function metric(pattern: RegExp): Promise<number> {
  const metrics = await (await fetch(`${stage.gateway.url()}/api/v1/metrics`)).text()
  return Number(pattern.exec(metrics)?.[1] ?? 0)
}

test('every type of update is taken, whatever may be missing is missing, null or there', async () => {
  const ignored = /bot_updates_dropped_total\{reason="ignored"\} (\d+)/u
  const worked = /bot_updates_worked_total\{outcome="done"\} (\d+)/u
  const [ignoredBefore, workedBefore] = [await metric(ignored), await metric(worked)]
  let known = 0
  for (const [index, way] of WAYS.entries()) {
    const updates = updatesIn(way)
    expect(updates).toHaveLength(TYPES)
    for (const { type, update } of updates) {
      // Each way is another event, not the first one once more.
      const status = await push({ ...update, timestamp: Date.now() + index })
      expect([type, way, status]).toEqual([type, way, 200])
      if (KNOWN.has(type)) known += 1
    }
  }
  expect(known).toBe(KNOWN.size * WAYS.length)
  await vi.waitFor(async () => expect(await metric(worked)).toBe(workedBefore + known), 20_000)
  expect((await metric(ignored)) - ignoredBefore).toBe((TYPES - KNOWN.size) * WAYS.length)
  expect(await metric(/bot_updates_dropped_total\{reason="(?:invalid|duplicate)"\} (\d+)/u)).toBe(0)
  expect(await metric(/bot_updates_worked_total\{outcome="(?:failed|retried)"\} (\d+)/u)).toBe(0)
})

test.each([
  ['absent', {}],
  ['null', { text: null }],
  ['empty', { text: '' }],
])('a message whose text is %s is answered', async (what, text) => {
  const before = anna.heard().length
  const user = stage.platform.people.view(ANNA)
  const status = await push({
    update_type: 'message_created',
    timestamp: Date.now(),
    message: {
      sender: user,
      recipient: { chat_id: anna.dialog(), chat_type: 'dialog' },
      timestamp: Date.now(),
      body: { mid: `mid.${what}`, seq: 1, ...text },
    },
  })
  expect(status).toBe(200)
  await anna.hears('Я понимаю только текст', undefined, before)
})

test('a callback with nothing but what it must have opens what its button says', async () => {
  const before = anna.heard().length
  const user = { user_id: ANNA, first_name: 'Анна', is_bot: false }
  const callback = { timestamp: Date.now(), callback_id: 'bare', payload: 'help', user }
  expect(await push({ update_type: 'message_callback', timestamp: Date.now(), callback })).toBe(200)
  await anna.hears('Что я умею', undefined, before)
})

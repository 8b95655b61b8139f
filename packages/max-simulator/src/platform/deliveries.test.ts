/** Webhooks, seen by a real receiver. Durations are the platform's, on a clock that runs faster. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startReceiver, type Receiver } from '../testing/receiver.ts'
import { createPlatform, type Platform, type PlatformOptions } from './platform.ts'
import { GIVE_UP_MS, retryDelay } from './schedule.ts'

const ANNA = 501_001_001
const BORIS = 501_001_002

let receiver: Receiver
const platforms: Platform[] = []

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(async () => {
  for (const platform of platforms.splice(0)) platform.close()
  await receiver.close()
})

/** Anna and Boris have started the bot, and its webhook is subscribed to all that follows. */
function subscribed(options: PlatformOptions = {}, types?: readonly string[]): Platform {
  const platform = createPlatform(options)
  platforms.push(platform)
  platform.dialogs.start(ANNA)
  platform.dialogs.start(BORIS)
  platform.subscriptions.add({ url: receiver.url, secret: 'secret-42', update_types: types })
  return platform
}

interface SeenMessage {
  recipient: { chat_id: number }
  body: { text?: string }
}

const messageOf = (update: Record<string, unknown>): SeenMessage => update['message'] as SeenMessage

const texts = (): unknown[] => receiver.updates().map((update) => messageOf(update).body.text)

async function count(expected: number, timeout = 5000): Promise<void> {
  await vi.waitFor(() => expect(receiver.received).toHaveLength(expected), { timeout })
}

describe('a push', () => {
  test('is one update with the secret, in exact UTF-8', async () => {
    const platform = subscribed()
    const text = 'Привет, «мир» 🙂 ё ﷽ "кавычки" \\ \n новая строка'
    const { mid } = platform.writing.write(ANNA, { text })
    await count(1)
    const [one] = receiver.received
    expect(one?.headers).toMatchObject({
      'x-max-bot-api-secret': 'secret-42',
      'content-type': 'application/json',
      'content-length': String(one?.body.length),
    })
    expect(one?.body.includes(Buffer.from('Привет, «мир» 🙂 ё ﷽'))).toBe(true)
    expect(receiver.updates()).toMatchObject([
      {
        update_type: 'message_created',
        user_locale: 'ru',
        message: {
          sender: { user_id: ANNA, is_bot: false, name: 'Анна Смирнова' },
          recipient: { chat_type: 'dialog', user_id: 229_229_229 },
          body: { mid, text },
        },
      },
    ])
    expect(String(one?.body)).not.toContain('null')
  })

  test('has no secret header when there is no secret', async () => {
    const platform = createPlatform()
    platforms.push(platform)
    platform.subscriptions.add({ url: receiver.url })
    platform.dialogs.start(ANNA)
    await count(1)
    expect(receiver.received[0]?.headers).not.toHaveProperty('x-max-bot-api-secret')
  })

  test('comes only for the types that were asked for', async () => {
    const platform = subscribed({}, ['bot_stopped'])
    platform.writing.write(ANNA, { text: 'x' })
    platform.dialogs.stop(ANNA)
    await count(1)
    expect(receiver.updates()).toMatchObject([{ update_type: 'bot_stopped' }])
  })

  test('goes to every subscriber', async () => {
    const other = await startReceiver()
    const platform = subscribed()
    platform.subscriptions.add({ url: other.url })
    platform.writing.write(ANNA, { text: 'x' })
    await count(1)
    await vi.waitFor(() => expect(other.received).toHaveLength(1))
    await other.close()
  })
})

describe('order', () => {
  test('the updates of one chat come in turn, another chat does not wait for them', async () => {
    const platform = subscribed()
    let release: (status: number) => void = () => undefined
    const first = new Promise<number>((resolve) => {
      release = resolve
    })
    receiver.answer = ({ body }) => (String(body).includes('А1') ? first : 200)
    for (const text of ['А1', 'А2', 'А3']) platform.writing.write(ANNA, { text })
    platform.writing.write(BORIS, { text: 'Б1' })
    await count(2)
    expect(texts()).toEqual(['А1', 'Б1'])
    release(200)
    await count(4)
    expect(texts()).toEqual(['А1', 'Б1', 'А2', 'А3'])
  })

  test('in parallel they all come at once', async () => {
    const platform = subscribed()
    platform.faults.setDelivery({ parallel: true })
    receiver.answer = () => 'hang'
    for (const text of ['1', '2', '3']) platform.writing.write(ANNA, { text })
    await count(3)
    expect(platform.deliveries.pending).toBe(3)
  })

  test('a burst of many chats arrives whole, each chat in order', async () => {
    const people = Array.from({ length: 200 }, (_, n) => ({ firstName: `П${n}`, userId: n + 1 }))
    const platform = createPlatform({ people })
    platforms.push(platform)
    for (const { userId } of people) platform.dialogs.start(userId)
    platform.subscriptions.add({ url: receiver.url })
    for (let n = 0; n < 5; n += 1) {
      for (const { userId } of people) platform.writing.write(userId, { text: `${n}` })
    }
    await count(1000, 15_000)
    const byChat = new Map<number, string>()
    for (const update of receiver.updates()) {
      const { recipient, body } = messageOf(update)
      byChat.set(recipient.chat_id, `${byChat.get(recipient.chat_id) ?? ''}${body.text}`)
    }
    expect([...byChat.values()]).toEqual(people.map(() => '01234'))
  })
})

describe('the schedule', () => {
  test('ten retries, the first after a minute, each pause 2.5 times the last', () => {
    expect([1, 2, 3].map((failed) => retryDelay(failed))).toEqual([60_000, 150_000, 375_000])
    expect(retryDelay(10)).toBe(60_000 * 2.5 ** 9)
    expect(retryDelay(11)).toBeUndefined()
  })

  test.each([500, 503, 404, 201, 204, 301])(
    '%d is a failure and is tried again',
    async (status) => {
      const platform = subscribed({ timeScale: 1000 })
      receiver.answer = () => (receiver.received.length < 3 ? status : 200)
      platform.writing.write(ANNA, { text: 'x' })
      await count(3)
      const [first, second, third] = receiver.received
      const pauses = [(second?.at ?? 0) - (first?.at ?? 0), (third?.at ?? 0) - (second?.at ?? 0)]
      // 60 and 150 seconds of the platform; a busy machine may be late, never early.
      expect(pauses[0]).toBeGreaterThanOrEqual(58)
      expect(pauses[1]).toBeGreaterThanOrEqual(148)
      expect(second?.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true)
      await vi.waitFor(() => expect(platform.deliveries.pending).toBe(0))
      expect(platform.deliveries.isFailing(receiver.url)).toBe(false)
      expect(platform.deliveries.list().map((delivery) => delivery.status)).toEqual([
        status,
        status,
        200,
      ])
    },
  )

  test('while one update waits for its retry, later ones of the chat pass it', async () => {
    const platform = subscribed({ timeScale: 200 })
    receiver.answer = () => (receiver.received.length === 1 ? 500 : 200)
    for (const text of ['1', '2', '3']) platform.writing.write(ANNA, { text })
    await count(4)
    expect(texts()).toEqual(['1', '2', '3', '1'])
  })

  test('eight hours without success end the retries and the subscription', async () => {
    // Eight hours in 0.6 s.
    const platform = subscribed({ timeScale: GIVE_UP_MS / 600 })
    receiver.answer = () => 500
    platform.writing.write(ANNA, { text: 'x' })
    await vi.waitFor(() => expect(platform.subscriptions.any).toBe(false), { timeout: 5000 })
    await vi.waitFor(() => expect(platform.deliveries.pending).toBe(0))
    // Only seven retries fit into eight hours; a slow machine makes fewer.
    expect(receiver.received.length).toBeGreaterThan(1)
    expect(receiver.received.length).toBeLessThanOrEqual(8)
  })

  test('a success keeps the subscription, whatever failed before', async () => {
    const platform = subscribed({ timeScale: GIVE_UP_MS / 600 })
    receiver.answer = () => (receiver.received.length === 1 ? 500 : 200)
    platform.writing.write(ANNA, { text: 'x' })
    await count(2)
    await vi.waitFor(() => expect(platform.deliveries.isFailing(receiver.url)).toBe(false))
    expect(platform.subscriptions.any).toBe(true)
  })

  test('nobody at the address and no answer are failures like any other', async () => {
    const platform = subscribed({ timeScale: 100_000 })
    const gone = await startReceiver()
    await gone.close()
    platform.subscriptions.add({ url: gone.url })
    receiver.answer = () => 'hang'
    platform.writing.write(ANNA, { text: 'x' })
    await vi.waitFor(
      () => {
        const errors = platform.deliveries.list().map(({ error }) => error ?? '')
        expect(errors.some((error) => error.includes('ECONNREFUSED'))).toBe(true)
        expect(errors.some((error) => error.startsWith('no answer within'))).toBe(true)
      },
      { timeout: 5000 },
    )
  })

  test('more pending pushes than the bound are dropped and counted', async () => {
    const platform = subscribed({ bounds: { pendingPushes: 2 } })
    receiver.answer = () => 'hang'
    for (const text of ['1', '2', '3', '4']) platform.writing.write(ANNA, { text })
    expect([platform.deliveries.pending, platform.deliveries.dropped]).toEqual([2, 2])
  })
})

describe('faults of delivery', () => {
  test('duplicates', async () => {
    const platform = subscribed()
    platform.faults.setDelivery({ duplicates: 2 })
    platform.writing.write(ANNA, { text: 'x' })
    await count(3)
    expect(new Set(receiver.received.map(({ body }) => String(body))).size).toBe(1)
  })

  test('neighbours change places, and a single one still comes', async () => {
    const platform = subscribed()
    platform.faults.setDelivery({ reorder: true })
    for (const text of ['1', '2', '3']) platform.writing.write(ANNA, { text })
    await count(3)
    expect(texts()).toEqual(['2', '1', '3'])
  })

  test('a delay', async () => {
    const platform = subscribed()
    platform.faults.setDelivery({ delayMs: 100 })
    const started = Date.now()
    platform.writing.write(ANNA, { text: 'x' })
    await count(1)
    expect(Date.now() - started).toBeGreaterThanOrEqual(98)
  })

  test('a body cut inside a character is still the same body', async () => {
    const platform = subscribed()
    platform.faults.setDelivery({ splitUtf8: true })
    const said = ['Привет', 'как', 'дела', 'у', 'тебя']
    for (const text of said) platform.writing.write(ANNA, { text })
    await count(said.length)
    // A busy machine may read both halves of one at once, but not of all.
    expect(Math.max(...receiver.received.map(({ chunks }) => chunks))).toBeGreaterThan(1)
    expect(texts()).toEqual(said)
  })

  test.each([
    ['absent', (update: object) => !('message' in update)],
    ['null', (update: { message?: unknown }) => update.message === null],
    [
      'without-chat',
      (update: { message?: { recipient?: object } }) =>
        update.message?.recipient !== undefined && !('chat_id' in update.message.recipient),
    ],
  ] as const)('a callback whose message is %s', async (callbackMessage, holds) => {
    const platform = subscribed()
    platform.faults.setDelivery({ callbackMessage })
    const buttons = [[{ type: 'callback' as const, text: 'x', payload: 'p' }]]
    const target = { userId: ANNA, preview: false }
    platform.sending.send(target, {
      text: 'x',
      attachments: [{ type: 'inline_keyboard', payload: { buttons } }],
    })
    platform.press(ANNA, { payload: 'p' })
    await count(1)
    const [update] = receiver.updates()
    expect(update).toMatchObject({ update_type: 'message_callback', callback: { payload: 'p' } })
    expect(update !== undefined && holds(update)).toBe(true)
  })

  test('one callback_id for all presses of a keyboard', async () => {
    const platform = subscribed()
    const buttons = [[{ type: 'callback' as const, text: 'x', payload: 'p' }]]
    platform.sending.send(
      { userId: ANNA, preview: false },
      { text: 'x', attachments: [{ type: 'inline_keyboard', payload: { buttons } }] },
    )
    const ids = (n: number) => Array.from({ length: n }, () => platform.press(ANNA, { text: 'x' }))
    expect(new Set(ids(2).map(({ callbackId }) => callbackId)).size).toBe(2)
    platform.faults.setDelivery({ callbackId: 'per-keyboard' })
    expect(new Set(ids(2).map(({ callbackId }) => callbackId)).size).toBe(1)
  })
})

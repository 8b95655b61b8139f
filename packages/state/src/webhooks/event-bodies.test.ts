import { expect, test } from 'vitest'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { patience } from '../testing/patience.ts'
import { startReceiver } from '../testing/receiver.ts'
import { createStillClock } from '../testing/still-clock.ts'
import { change, createWebhookService } from '../testing/webhook-service.ts'
import { createEventBodies } from './event-bodies.ts'

const DAY_MS = 86_400_000

function log(texts: Record<string, string>) {
  const questions: string[][] = []
  return {
    questions,
    find: async (ids: readonly string[]) => {
      questions.push([...ids])
      const kept = ids.flatMap((id) => {
        const body = texts[id]
        return body === undefined ? [] : [[id, { body, correlationId: 'c' }] as const]
      })
      return new Map(kept)
    },
  }
}

test('texts that are asked for at the same moment are read together, and once', async () => {
  const { find, questions } = log({ a: '{"a":1}', b: '{"b":"Отчёт"}' })
  const bodies = createEventBodies({ find, bytes: 10_000 })
  const of = async (eventId: string) => (await bodies.of({ eventId }))?.toString('utf8')

  expect(await Promise.all([of('a'), of('b'), of('a'), of('none')])).toEqual([
    '{"a":1}',
    '{"b":"Отчёт"}',
    '{"a":1}',
    undefined,
  ])
  expect(questions).toEqual([['a', 'b', 'none']])

  expect(await of('b')).toBe('{"b":"Отчёт"}')
  expect(questions).toHaveLength(1)
})

test('what was remembered is not read, what has no room is read again', async () => {
  const { find, questions } = log({ long: `{"x":"${'x'.repeat(5000)}"}` })
  const bodies = createEventBodies({ find, bytes: 1000 })

  bodies.remember({ id: 'short', body: '{}' })
  expect((await bodies.of({ eventId: 'short' }))?.toString('utf8')).toBe('{}')
  expect(questions).toHaveLength(0)

  await bodies.of({ eventId: 'long' })
  bodies.remember({ id: 'other', body: `{"y":"${'y'.repeat(5000)}"}` })
  await bodies.of({ eventId: 'long' })
  expect(questions).toEqual([['long'], ['long']])
})

test('a failed look is told to those who asked, and the next one asks again', async () => {
  const { find } = log({ a: '{}' })
  let broken = true
  const bodies = createEventBodies({
    find: (ids) => (broken ? Promise.reject(new Error('no database')) : find(ids)),
    bytes: 1000,
  })

  await expect(bodies.of({ eventId: 'a' })).rejects.toThrow('no database')
  broken = false
  expect((await bodies.of({ eventId: 'a' }))?.toString('utf8')).toBe('{}')
})

function suite(store: TestStore): void {
  test('an event outlives its retention while a delivery waits for it, and goes when that has come to its end', async () => {
    const clock = createStillClock()
    const { app, call, subscribe, raise } = await createWebhookService({
      place: await store.place(),
      clock,
      events: { retentionDays: 1, purgeMs: 20 },
      webhooks: { bodyCacheBytes: 0 },
    })
    const receiver = await startReceiver()
    const { id } = await subscribe({ url: receiver.url, filter: { id: ['held', 'other'] } })
    await call('PATCH', `webhooks/subscriptions/${id}`, { active: false })
    const old = { ...change('held', 1), timestampMs: clock.now() }
    const other = { ...change('other', 1), timestampMs: clock.now() + DAY_MS }
    // Nobody waits for these: when they are gone, retention has had its turn.
    const witness = (entityId: string, days: number) => ({
      ...change(entityId, 1),
      timestampMs: clock.now() - days * DAY_MS,
    })
    await raise(witness('old', 2), witness('young', 0.5), old)
    const names = async () => (await app.events.newest(10)).length
    await expect.poll(names, patience).toBe(2)

    clock.moveTo(clock.now() + 3 * DAY_MS)
    await raise(other)
    await expect.poll(names, patience).toBe(2)
    await call('PATCH', `webhooks/subscriptions/${id}`, { active: true })

    await expect.poll(() => receiver.receipts.length, patience).toBe(2)
    expect(
      receiver.receipts
        .map(({ body }) => (JSON.parse(body) as { data: { id: string } }).data.id)
        .toSorted(),
    ).toEqual(['held', 'other'])
    await expect.poll(names, patience).toBe(0)
  })

  test('what is given up keeps its text, and can be sent again when the event is gone', async () => {
    const clock = createStillClock()
    const { app, call, subscribe, deliveries, raise } = await createWebhookService({
      place: await store.place(),
      clock,
      events: { retentionDays: 1, purgeMs: 20 },
      webhooks: { bodyCacheBytes: 0 },
    })
    const receiver = await startReceiver((response) => response.writeHead(500).end())
    const { id } = await subscribe({ url: receiver.url, maxRetries: 0 })
    await raise({ ...change('t1', 1), timestampMs: clock.now() })
    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('dead')

    clock.moveTo(clock.now() + 3 * DAY_MS)
    await expect.poll(async () => (await app.events.newest(1)).length, patience).toBe(0)
    receiver.behave((response) => response.end())
    const [dead] = await deliveries(id)
    expect((await call('POST', `webhooks/deliveries/${dead?.id}/redeliver`)).status).toBe(202)

    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('delivered')
    expect(receiver.receipts[1]?.body.replace(/,"signature".*/u, '')).toBe(
      receiver.receipts[0]?.body.replace(/,"signature".*/u, ''),
    )
  })
}

describeDatabases('event bodies', suite)

import { afterEach, beforeEach, expect, test } from 'vitest'
import type { HistoryEntry, Page, State } from '@potok/contracts/state'
import { call, login } from '../scripts/system/api.ts'
import { createPerson } from '../scripts/system/chat.ts'
import { startPrivateSystem, type PrivateSystem } from '../scripts/system/private-system.ts'
import { startReceiver } from '../scripts/system/receiver.ts'

const KEY = { 'x-api-key': 'gateway-service-key' }
/** Leases are as long as time-outs; short ones make a killed process's work due again within the test. */
const SHORT = {
  WEBHOOK_DELIVERY_TIMEOUT: '2000',
  WEBHOOK_RETRY_DELAY: '200',
  // The platform repeats what a dead gateway did not take after a minute: here after 0.6 s.
  TIME_SCALE: '100',
}
let system: PrivateSystem

beforeEach(async () => {
  system = await startPrivateSystem({ env: SHORT })
}, 120_000)
afterEach(() => system?.stop())

test('kill -9 of the state process right after an acknowledged write loses neither the write nor its webhook', async () => {
  const receiver = await startReceiver()
  const state = system.process('state')
  const subscribed = await call(`${state.url}/api/v1/webhooks/subscriptions`, {
    method: 'POST',
    headers: KEY,
    json: { url: receiver.url, events: ['*'], secret: 'your-webhook-secret' },
  })
  expect(subscribed.status).toBe(201)

  for (let round = 1; round <= 3; round += 1) {
    const entityId = `task_${round}`
    const { status } = await call(`${state.url}/api/v1/states/task`, {
      method: 'POST',
      headers: KEY,
      json: { entityId, status: 'pending' },
    })
    await state.end('SIGKILL')
    await state.start()

    const { body } = await call<State>(`${state.url}/api/v1/states/task/${entityId}`, {
      headers: KEY,
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({ entityId, status: 'pending', version: 1 })
    await receiver.gets((one) => one.body.includes(`"${entityId}"`), `the webhook of ${entityId}`)
  }
  await receiver.close()
})

test('kill -9 of the gateway in the middle of an update leaves exactly one task and its reply', async () => {
  const gateway = system.process('gateway')
  const { authorization } = await login(gateway.url)
  const anna = await createPerson(system.url('simulator'), 'Анна')
  await anna.start()
  await anna.sees(() => true, 'a greeting')

  for (let round = 1; round <= 5; round += 1) {
    const title = `Отчёт номер ${round}`
    await anna.write(`/new ${title}`)
    // Each round dies at another moment of the same update: from before its receipt to after its reply.
    await new Promise((done) => setTimeout(done, (round - 1) * 12))
    await gateway.end('SIGKILL')
    await gateway.start()
    await anna.sees((message) => message.text?.includes(title) === true, `the reply to «${title}»`)
  }

  const tasks = await call<Page<State>>(`${gateway.url}/api/v1/states/task?limit=100`, {
    headers: { authorization },
  })
  const titles = tasks.body.items.map(({ metadata }) => String(metadata['title']))
  expect(titles.toSorted((a, b) => a.localeCompare(b))).toEqual(
    [1, 2, 3, 4, 5].map((round) => `Отчёт номер ${round}`),
  )
  for (const { entityId } of tasks.body.items) {
    const { body } = await call<Page<HistoryEntry>>(
      `${gateway.url}/api/v1/states/task/${entityId}/history`,
      { headers: { authorization } },
    )
    expect(body.items).toHaveLength(1)
  }
  const cards = (await anna.messages()).filter(
    ({ sender, text }) => sender.isBot && text?.includes('Отчёт номер') === true,
  )
  // The platform cannot be asked whether it took a message: a death between its 200 and our record repeats one.
  expect(cards.length).toBeGreaterThanOrEqual(5)
  expect(cards.length).toBeLessThanOrEqual(6)
})

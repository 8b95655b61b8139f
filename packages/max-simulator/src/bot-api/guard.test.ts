/** Limits, faults and the log: what every request of the bot goes through. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startSimulator, type RunningSimulator } from '../testing/simulator.ts'

const ANNA = 501_001_001
const BORIS = 501_001_002

let simulator: RunningSimulator

beforeEach(async () => {
  simulator = await startSimulator()
  simulator.platform.dialogs.start(ANNA)
  simulator.platform.dialogs.start(BORIS)
})
afterEach(() => simulator.app.close())

const send = (userId: number): Promise<Response> =>
  simulator.call('POST', `/messages?user_id=${userId}`, { text: 'x' })

const sent = (userId: number): number =>
  simulator.platform.messages.inChat(simulator.platform.chats.dialog(userId).chatId).length

describe('rate limits', () => {
  beforeEach(() => {
    // The second stands still until a test moves it: a busy machine must not make it pass.
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    simulator.platform.limits.enabled = true
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('the third message to a chat within a second is too many, other chats are free', async () => {
    expect([(await send(ANNA)).status, (await send(ANNA)).status]).toEqual([200, 200])
    const third = await send(ANNA)
    expect(third.status).toBe(429)
    expect(await third.json()).toMatchObject({ code: 'too.many.requests' })
    expect((await send(BORIS)).status).toBe(200)
    vi.advanceTimersByTime(1001)
    expect((await send(ANNA)).status).toBe(200)
    expect(sent(ANNA)).toBe(3)
  })

  test('thirty requests a second are the most', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async () => (await simulator.call('GET', '/me')).status),
    )
    expect(statuses.filter((status) => status === 200)).toHaveLength(30)
    expect(statuses.filter((status) => status === 429)).toHaveLength(10)
  })

  test('the third poll within a second is too many', async () => {
    const poll = async () => (await simulator.call('GET', '/updates?timeout=0')).status
    expect([await poll(), await poll(), await poll()]).toEqual([200, 200, 429])
  })

  test('edits have a limit of their own', async () => {
    await send(ANNA)
    const { chatId } = simulator.platform.chats.dialog(ANNA)
    const mid = simulator.platform.messages.inChat(chatId)[0]?.mid
    const edit = async () =>
      (await simulator.call('PUT', `/messages?message_id=${mid}`, { text: 'y' })).status
    expect([await edit(), await edit(), await edit()]).toEqual([200, 200, 429])
  })
})

describe('faults of the API', () => {
  const arm = async (fault: object): Promise<void> => {
    expect((await simulator.call('POST', '/control/faults/api', fault)).status).toBe(201)
  }

  test('a status hits the route it is meant for, as often as it says', async () => {
    await arm({
      method: 'POST',
      path: '/messages',
      effect: 'status',
      status: 429,
      skip: 1,
      times: 2,
    })
    expect((await simulator.call('GET', '/me')).status).toBe(200)
    const statuses = []
    for (let n = 0; n < 4; n += 1) statuses.push((await send(ANNA)).status)
    expect(statuses).toEqual([200, 429, 429, 200])
    expect(sent(ANNA)).toBe(2)
    expect(simulator.platform.faults.api).toEqual([])
  })

  test('a status says its code, and when to come again', async () => {
    await arm({ effect: 'status', status: 429, retryAfterSeconds: 7 })
    const response = await simulator.call('GET', '/me')
    expect(response.headers.get('retry-after')).toBe('7')
    expect(await response.json()).toEqual({
      code: 'too.many.requests',
      message: 'Simulated failure',
    })
  })

  test('a page of HTML instead of JSON', async () => {
    await arm({ effect: 'html' })
    const response = await send(ANNA)
    expect(response.status).toBe(502)
    expect(response.headers.get('content-type')).toContain('text/html')
    expect(await response.text()).toContain('<html>')
  })

  test('success: false', async () => {
    await arm({ path: '/messages', effect: 'unsuccessful', message: 'нельзя' })
    expect(await (await send(ANNA)).json()).toEqual({ success: false, message: 'нельзя' })
  })

  test('a hang lasts until the bot gives up, and is logged without a status', async () => {
    await arm({ effect: 'hang' })
    await expect(
      fetch(`${simulator.url}/me`, {
        headers: { authorization: 'test-token' },
        signal: AbortSignal.timeout(200),
      }),
    ).rejects.toThrow('timeout')
    await vi.waitFor(() => expect(simulator.platform.requests.list()).toHaveLength(1))
    expect(simulator.platform.requests.list()[0]?.status).toBeUndefined()
  })

  test('a hang does not keep the simulator from closing', async () => {
    await arm({ effect: 'hang' })
    const hanging = simulator.call('GET', '/me').catch((error: Error) => error.message)
    await vi.waitFor(() => expect(simulator.platform.faults.api).toEqual([]))
    await simulator.app.close()
    expect(await hanging).toBe('fetch failed')
  })

  test('a delay', async () => {
    await arm({ effect: 'delay', delayMs: 100 })
    const started = performance.now()
    expect((await send(ANNA)).status).toBe(200)
    expect(performance.now() - started).toBeGreaterThanOrEqual(98)
  })

  test('a lost reply: the message is there, the bot does not know', async () => {
    await arm({ path: '/messages', effect: 'lose-reply' })
    await expect(send(ANNA)).rejects.toThrow('fetch failed')
    expect(sent(ANNA)).toBe(1)
  })
})

describe('the log of requests', () => {
  test('it keeps what the bot asked, without the webhook’s secret', async () => {
    await simulator.call('POST', '/subscriptions', { url: 'https://a.example', secret: 'hidden-1' })
    await send(ANNA)
    await vi.waitFor(() => expect(simulator.platform.requests.list()).toHaveLength(2))
    const response = await simulator.call('GET', '/control/requests?path=/messages')
    expect(await response.json()).toMatchObject([
      {
        method: 'POST',
        path: '/messages',
        query: { user_id: String(ANNA) },
        body: { text: 'x' },
        status: 200,
      },
    ])
    const all = await (await simulator.call('GET', '/control/requests')).text()
    expect(all).not.toContain('hidden-1')
    expect(all).not.toContain('test-token')
  })

  test('it is bounded', async () => {
    const small = await startSimulator({ bounds: { requestLog: 3 } })
    for (let n = 0; n < 10; n += 1) await small.call('GET', `/messages/x?n=${n}`)
    await vi.waitFor(() => expect(small.platform.requests.list()).toHaveLength(3))
    expect(small.platform.requests.list().at(-1)?.query).toEqual({ n: '9' })
    await small.app.close()
  })
})

import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { patience } from '../testing/patience.ts'
import { header, standardHeaders, startReceiver } from '../testing/receiver.ts'
import { createStillClock } from '../testing/still-clock.ts'
import { change, createWebhookService } from '../testing/webhook-service.ts'

const SECOND_MS = 1000
const HOUR_MS = 3_600_000

function suite(store: TestStore): void {
  /** A service by a clock that only moves when it is told to. */
  const build = async (webhooks = {}) => {
    const clock = createStillClock()
    const service = await createWebhookService({ place: await store.place(), webhooks, clock })
    /** When the next attempt of a subscription's only delivery is due, epoch ms, once so many were made. */
    const due = async (id: string, attempts: number): Promise<number> => {
      const only = async () => (await service.deliveries(id))[0]
      await expect.poll(async () => (await only())?.attempts.length, patience).toBe(attempts)
      return Date.parse((await only())?.nextAttemptAt ?? '')
    }
    return { ...service, clock, due }
  }

  test('retries come 5, 10 and 20 seconds after the failure before them and not half a second sooner, then the delivery is dead and can be replayed', async () => {
    const { call, subscribe, deliveries, raise, clock, due } = await build()
    const receiver = await startReceiver((response) => response.writeHead(500).end('broken'))
    const sooner = await startReceiver((response) => response.writeHead(500).end())
    const { id } = await subscribe({ url: receiver.url })
    // Who comes at this moment shows that everything due until then has had its turn.
    const witness = await subscribe({ url: sooner.url, retryDelays: [4500, 9500, 19_500] })
    await raise(change('t1', 1))

    for (const [index, seconds] of [5, 10, 20].entries()) {
      const dueAt = await due(id, index + 1)
      const witnessDueAt = await due(witness.id, index + 1)
      const waits = dueAt - clock.now()
      expect(waits).toBeGreaterThanOrEqual(seconds * SECOND_MS)
      expect(waits).toBeLessThan(seconds * SECOND_MS + 400)
      const [delivery] = await deliveries(id)
      expect(delivery).toMatchObject({ status: 'pending', event: 'entity.created', version: 1 })
      expect(delivery?.explain).toMatch(/^the next attempt is due at .*answered 500$/u)

      clock.moveTo(witnessDueAt)
      await expect.poll(() => sooner.receipts, patience).toHaveLength(index + 2)
      expect(receiver.receipts).toHaveLength(index + 1)

      clock.moveTo(dueAt)
      await expect.poll(() => receiver.receipts, patience).toHaveLength(index + 2)
    }

    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('dead')
    const [dead] = await deliveries(id)
    expect(receiver.receipts.map((receipt) => header(receipt, 'x-webhook-attempt'))).toEqual([
      '1',
      '2',
      '3',
      '4',
    ])
    expect(new Set(receiver.receipts.map((receipt) => header(receipt, 'webhook-id'))).size).toBe(1)
    expect(dead?.attempts).toHaveLength(4)
    expect(dead?.attempts[3]).toMatchObject({
      attempt: 4,
      responseStatus: 500,
      responseBody: 'broken',
      error: 'the endpoint answered 500',
    })
    expect(dead?.explain).toMatch(/^no attempt of 4 succeeded/u)

    receiver.behave((response) => response.end())
    const replayed = await call('POST', `webhooks/subscriptions/${id}/replay`, {
      from: new Date(0).toISOString(),
      status: 'dead',
    })
    expect(replayed).toMatchObject({ status: 202, body: { replayed: 1, more: false } })
    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('delivered')
    const [delivered] = await deliveries(id)
    expect(delivered?.attempts).toHaveLength(5)
    expect(delivered?.id).toBe(dead?.id)
    expect(header(receiver.receipts[4], 'webhook-id')).toBe(
      header(receiver.receipts[0], 'webhook-id'),
    )
  })

  test.each([
    [429, '60', 60],
    [503, '7200', 3600],
    [429, '1', 5],
    [500, '60', 5],
  ])('%i with Retry-After %s is tried again after %i s', async (status, retryAfter, seconds) => {
    const { subscribe, raise, clock, due } = await build()
    const receiver = await startReceiver((response) =>
      response.writeHead(status, { 'retry-after': retryAfter }).end(),
    )
    const { id } = await subscribe({ url: receiver.url })

    await raise(change('t1', 1))
    const dueAt = await due(id, 1)
    const waits = dueAt - clock.now()
    clock.moveTo(dueAt)

    expect(waits).toBeGreaterThanOrEqual(seconds * SECOND_MS)
    expect(waits).toBeLessThan((seconds + 1) * SECOND_MS)
    await expect.poll(() => receiver.receipts, patience).toHaveLength(2)
  })

  test('who is well again need not wait: what is pending is due at once when that is asked for, or when the subscription is activated again', async () => {
    const { call, subscribe, deliveries, raise, due } = await build()
    const receiver = await startReceiver((response) => response.writeHead(500).end())
    const { id } = await subscribe({ url: receiver.url, retryDelays: [HOUR_MS] })
    await raise(change('t1', 1))
    await due(id, 1)

    const replayed = await call('POST', `webhooks/subscriptions/${id}/replay`, {
      from: new Date(0).toISOString(),
      status: 'pending',
    })
    await due(id, 2)
    await call('PATCH', `webhooks/subscriptions/${id}`, { active: false })
    receiver.behave((response) => response.end())
    await call('PATCH', `webhooks/subscriptions/${id}`, { active: true })

    expect(replayed).toMatchObject({ status: 202, body: { replayed: 1, more: false } })
    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('delivered')
    expect((await deliveries(id))[0]?.attempts).toHaveLength(3)
  })

  test('a failure counts when the base delay has passed since the one counted before, and not sooner; the tenth deactivates', async () => {
    const { subscribe, subscription, raise, clock } = await build()
    const receiver = await startReceiver((response) => response.writeHead(500).end())
    const { id } = await subscribe({ url: receiver.url, maxRetries: 0 })
    const begin = clock.now()
    let version = 0
    const failAt = async (seconds: number) => {
      clock.moveTo(begin + seconds * SECOND_MS)
      version += 1
      await raise(change('t1', version))
      await expect.poll(async () => (await subscription(id)).backlog.dead, patience).toBe(version)
      return subscription(id)
    }

    for (let counted = 1; counted <= 9; counted += 1) {
      const at = (counted - 1) * 6
      expect((await failAt(at)).consecutiveFailures).toBe(counted)
      expect((await failAt(at + 4)).consecutiveFailures).toBe(counted)
    }
    expect((await subscription(id)).active).toBe(true)

    expect(await failAt(54)).toMatchObject({ active: false, consecutiveFailures: 10 })
  })

  test('a success in between begins the count anew', async () => {
    const { subscribe, subscription, raise, clock } = await build({ maxFailures: 3 })
    let fails = true
    const receiver = await startReceiver((response) => response.writeHead(fails ? 500 : 200).end())
    const { id } = await subscribe({ url: receiver.url, maxRetries: 0 })
    const begin = clock.now()
    const counts: number[] = []
    for (const [index, ok] of [false, false, true, false, false].entries()) {
      clock.moveTo(begin + index * 6 * SECOND_MS)
      fails = !ok
      await raise(change('t1', index + 1))
      await expect.poll(async () => (await subscription(id)).backlog.pending, patience).toBe(0)
      counts.push((await subscription(id)).consecutiveFailures)
    }

    expect(counts).toEqual([1, 2, 0, 1, 2])
    expect((await subscription(id)).active).toBe(true)
  })

  test('410 deactivates at once and is no failure of the rest, which is held for as long as nobody activates it', async () => {
    const { call, subscribe, subscription, deliveries, raise, clock } = await build()
    const receiver = await startReceiver((response) => response.writeHead(410).end())
    const { id } = await subscribe({ url: receiver.url })
    await raise(change('t1', 1))
    await expect.poll(async () => (await subscription(id)).active, patience).toBe(false)
    await raise(change('t2', 1))
    const others = await startReceiver()
    await subscribe({ url: others.url })

    // Long after every retry: somebody else gets what comes, and this one gets nothing.
    clock.moveTo(clock.now() + HOUR_MS)
    await raise(change('t3', 1))
    await expect.poll(() => others.receipts, patience).toHaveLength(1)
    expect(receiver.receipts).toHaveLength(1)
    expect((await deliveries(id)).map(({ status }) => status)).toEqual(['held', 'held', 'held'])

    receiver.behave((response) => response.end())
    await call('PATCH', `webhooks/subscriptions/${id}`, { active: true })
    await expect.poll(async () => (await subscription(id)).backlog.pending, patience).toBe(0)
    expect(receiver.versions().toSorted()).toEqual(['t1/1', 't1/1', 't2/1', 't3/1'])
  })

  test('after a rotation the old secret signs until its grace time is over, and no longer', async () => {
    const { call, subscribe, raise, clock } = await build()
    const receiver = await startReceiver()
    const { id } = await subscribe({ url: receiver.url, secret: 'the-first-secret' })
    const rotatedAt = clock.now()
    const { body: rotated } = await call('POST', `webhooks/subscriptions/${id}/rotate-secret`, {
      graceSeconds: 3600,
    })
    const signaturesAt = async (ms: number) => {
      clock.moveTo(rotatedAt + ms)
      const count = receiver.receipts.length
      await raise(change('t1', count + 1))
      await expect.poll(() => receiver.receipts, patience).toHaveLength(count + 1)
      const receipt = receiver.receipts[count]
      const secret: string = rotated.secret
      // The new one signs all the time.
      expect(new Webhook(secret).verify(receipt?.body ?? '', standardHeaders(receipt))).toBeTruthy()
      return header(receipt, 'webhook-signature').split(' ').length
    }

    expect(await signaturesAt(HOUR_MS - SECOND_MS)).toBe(2)
    expect(await signaturesAt(HOUR_MS + SECOND_MS)).toBe(1)
  })
}

describeDatabases('webhooks by the clock', suite)

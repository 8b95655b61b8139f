import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { verifySignature } from '@potok/contracts/webhook-signature'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { patience } from '../testing/patience.ts'
import { header, standardHeaders, startReceiver } from '../testing/receiver.ts'
import { change, createWebhookService } from '../testing/webhook-service.ts'

function suite(store: TestStore): void {
  const build = async (webhooks = {}) =>
    createWebhookService({ place: await store.place(), webhooks })

  test('an event is delivered with the payload, the headers and both signatures of the contract', async () => {
    const { subscribe, raise } = await build()
    const receiver = await startReceiver()
    const secret = 'your-webhook-secret'
    await subscribe({ url: receiver.url, secret })

    await raise(change('task_123', 1, { metadata: { title: 'Отчёт' } }))
    await expect.poll(() => receiver.receipts, patience).toHaveLength(1)

    const [receipt] = receiver.receipts
    const body = receipt?.body ?? ''
    const payload = JSON.parse(body) as Record<string, unknown>
    expect(Object.keys(payload)).toEqual(['id', 'event', 'timestamp', 'data', 'signature'])
    expect(payload).toMatchObject({
      event: 'entity.created',
      timestamp: '2023-11-14T22:13:20.001Z',
      data: { entity: 'task', id: 'task_123', previousStatus: null, metadata: { title: 'Отчёт' } },
    })
    expect(header(receipt, 'x-webhook-signature')).toBe(payload['signature'])
    expect(verifySignature(body, header(receipt, 'x-webhook-signature'), [secret])).toBe(true)
    const verified = new Webhook(secret, { format: 'raw' }).verify(body, standardHeaders(receipt))
    expect(verified).toEqual(payload)
    expect(header(receipt, 'webhook-id')).toBe(payload['id'])
    expect(header(receipt, 'x-webhook-event')).toBe('entity.created')
    expect(header(receipt, 'x-webhook-attempt')).toBe('1')
    expect(header(receipt, 'x-webhook-delivery')).toMatch(/^dlv_[0-9a-f]{28}$/u)
    expect(header(receipt, 'x-correlation-id')).toBe('corr-1')
    expect(header(receipt, 'user-agent')).toBe('Potok-Webhooks/1.0.0')
    expect(header(receipt, 'content-type')).toBe('application/json; charset=utf-8')
  })

  test('a generated secret is shown once, and the Standard Webhooks library takes it as it is', async () => {
    const { subscribe, subscription, raise, call } = await build()
    const receiver = await startReceiver()
    const { id, secret = '' } = await subscribe({ url: receiver.url })

    await raise(change('t1', 1))
    await expect.poll(() => receiver.receipts, patience).toHaveLength(1)

    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{32}$/u)
    const [receipt] = receiver.receipts
    expect(new Webhook(secret).verify(receipt?.body ?? '', standardHeaders(receipt))).toBeTruthy()
    expect(JSON.stringify(await subscription(id))).not.toContain(secret)
    expect(JSON.stringify((await call('GET', 'webhooks/subscriptions')).body)).not.toContain(secret)
    const patched = await call('PATCH', `webhooks/subscriptions/${id}`, { description: 'a' })
    expect(JSON.stringify(patched.body)).not.toContain(secret)
  })

  test('WEBHOOK_SECRET_KEY signs what is made without a secret and is not shown', async () => {
    const { subscribe, raise } = await build({ defaultSecret: 'the-operators-secret' })
    const receiver = await startReceiver()
    const made = await subscribe({ url: receiver.url })

    await raise(change('t1', 1))
    await expect.poll(() => receiver.receipts, patience).toHaveLength(1)

    expect(made.secret).toBeUndefined()
    const [receipt] = receiver.receipts
    const signature = header(receipt, 'x-webhook-signature')
    expect(verifySignature(receipt?.body ?? '', signature, ['the-operators-secret'])).toBe(true)
  })

  test('a subscription may bring its own delays and number of retries', async () => {
    const { subscribe, deliveries, raise } = await build()
    const receiver = await startReceiver((response) => response.writeHead(503).end())
    const { id, retryDelays } = await subscribe({
      url: receiver.url,
      maxRetries: 2,
      retryDelays: [0, 10],
    })

    await raise(change('t1', 1))

    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('dead')
    expect(retryDelays).toEqual([0, 10])
    expect(receiver.receipts).toHaveLength(3)
  })

  test('410 deactivates at once; what was under way and what comes is held, and goes out on re-activation', async () => {
    const { call, subscribe, subscription, deliveries, raise } = await build()
    const receiver = await startReceiver((response) => response.writeHead(410).end())
    const { id } = await subscribe({ url: receiver.url, ordering: 'entity' })
    await raise(change('t1', 1))
    await expect.poll(async () => (await subscription(id)).active, patience).toBe(false)
    await raise(change('t1', 2), change('t2', 1))

    const held = await deliveries(id)
    expect(held.map(({ status }) => status)).toEqual(['held', 'held', 'held'])
    expect(held[0]?.explain).toContain('410 Gone')
    expect(await subscription(id)).toMatchObject({
      disabledReason: 'the endpoint answered 410 Gone',
      backlog: { pending: 0, held: 3, dead: 0 },
    })
    receiver.behave((response) => response.end())
    const active = await call('PATCH', `webhooks/subscriptions/${id}`, { active: true })

    expect(active.body).toMatchObject({ active: true, consecutiveFailures: 0 })
    expect(active.body.disabledReason).toBeUndefined()
    await expect.poll(async () => (await subscription(id)).backlog.pending, patience).toBe(0)
    expect(receiver.versions().toSorted()).toEqual(['t1/1', 't1/1', 't1/2', 't2/1'])
  })

  test('a redirect is a failure and is not followed', async () => {
    const { subscribe, deliveries, raise } = await build()
    const target = await startReceiver()
    const receiver = await startReceiver((response) =>
      response.writeHead(307, { location: target.url }).end(),
    )
    const { id } = await subscribe({ url: receiver.url, maxRetries: 0 })

    await raise(change('t1', 1))

    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('dead')
    expect((await deliveries(id))[0]?.explain).toContain('redirects are not followed')
    expect(target.receipts).toEqual([])
  })

  test.each([
    ['never answers', () => {}],
    [
      'begins an answer and never ends it',
      (response: { write: (text: string) => unknown }) => {
        response.write('a')
      },
    ],
  ])('an endpoint that %s is given up at the time-out', async (_case, answer) => {
    const { subscribe, deliveries, raise } = await build()
    const receiver = await startReceiver(answer)
    const { id } = await subscribe({ url: receiver.url, timeoutMs: 150, maxRetries: 0 })

    await raise(change('t1', 1))

    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('dead')
    const [dead] = await deliveries(id)
    expect(dead?.attempts[0]?.error).toBe('no complete response within 150 ms')
    expect(dead?.attempts[0]?.durationMs).toBeGreaterThanOrEqual(149)
  })

  test('a kept-alive connection that turns out to be dead costs no attempt', async () => {
    const { subscribe, deliveries, raise } = await build()
    const receiver = await startReceiver((response, { socket }, count) => {
      if (count === 2) socket.destroy()
      else response.end()
    })
    const { id } = await subscribe({ url: receiver.url })
    await raise(change('t1', 1))
    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('delivered')

    await raise(change('t1', 2))
    await expect.poll(() => receiver.receipts, patience).toHaveLength(3)

    await expect
      .poll(async () => (await deliveries(id)).map(({ status }) => status), patience)
      .toEqual(['delivered', 'delivered'])
    const attempts = receiver.receipts.map((receipt) => header(receipt, 'x-webhook-attempt'))
    expect(attempts).toEqual(['1', '1', '1'])
    expect(receiver.versions()).toEqual(['t1/1', 't1/2', 't1/2'])
    expect((await deliveries(id)).map((delivery) => delivery.attempts.length)).toEqual([1, 1])
  })

  test('a fresh connection that is reset costs one', async () => {
    const { subscribe, deliveries, raise } = await build()
    const receiver = await startReceiver((_response, { socket }) => socket.resetAndDestroy())
    const { id } = await subscribe({ url: receiver.url, maxRetries: 0 })

    await raise(change('t1', 1))

    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('dead')
    expect(receiver.receipts).toHaveLength(1)
    expect((await deliveries(id))[0]?.attempts[0]?.error).toContain('ECONNRESET')
  })

  test('of a long response the first 4 kB are kept', async () => {
    const { subscribe, deliveries, raise } = await build()
    const receiver = await startReceiver((response) => response.end('\0é'.repeat(500_000)))
    const { id } = await subscribe({ url: receiver.url })

    await raise(change('t1', 1))

    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('delivered')
    const kept = (await deliveries(id))[0]?.attempts[0]?.responseBody ?? ''
    expect(kept.length).toBeLessThanOrEqual(4096)
    expect(kept.startsWith('\uFFFDé\uFFFDé')).toBe(true)
  })

  test('ten spaced failures in a row deactivate; operational events tell those who name them, and nobody else', async () => {
    const { app, call, subscribe, subscription, raise } = await build()
    const receiver = await startReceiver((response) => response.writeHead(500).end())
    const operator = await startReceiver()
    const everything = await startReceiver()
    const { id } = await subscribe({ url: receiver.url, maxRetries: 0, events: ['entity.*'] })
    await subscribe({ url: operator.url, events: ['webhook.*'] })
    await subscribe({ url: everything.url })
    const failures = async () => (await subscription(id)).consecutiveFailures
    const dead = async () => (await subscription(id)).backlog.dead
    for (let round = 1; round <= 9; round += 1) {
      // Several failures at once are one outage.
      await raise(change(`a${round}`, 1), change(`b${round}`, 1), change(`c${round}`, 1))
      await expect.poll(() => receiver.receipts, patience).toHaveLength(round * 3)
      // All of them are settled before the clock moves on.
      await expect.poll(dead, patience).toBe(round * 3)
      expect(await failures()).toBe(round)
      app.store.setClockOffset(round * 5000)
    }
    expect((await subscription(id)).active).toBe(true)
    await raise(change('last', 1))
    await expect.poll(async () => (await subscription(id)).active, patience).toBe(false)

    expect(await subscription(id)).toMatchObject({
      disabledReason: '10 failed attempts in a row: the endpoint answered 500',
      lastError: 'the endpoint answered 500',
      backlog: { dead: 28, held: 0 },
    })
    await raise(change('kept', 1))
    expect((await subscription(id)).backlog.held).toBe(1)
    receiver.behave((response) => response.end())
    await call('PATCH', `webhooks/subscriptions/${id}`, { active: true })
    const told = () => operator.receipts.map((receipt) => header(receipt, 'x-webhook-event'))
    await expect
      .poll(() => told().filter((name) => name === 'webhook.recovered'), patience)
      .toHaveLength(1)
    await expect
      .poll(() => told().filter((name) => name === 'webhook.exhausted'), patience)
      .toHaveLength(28)
    expect(told().filter((name) => name === 'webhook.disabled')).toHaveLength(1)
    const disabled = operator.receipts.find(
      (receipt) => header(receipt, 'x-webhook-event') === 'webhook.disabled',
    )
    expect(JSON.parse(disabled?.body ?? '{}')).toMatchObject({
      event: 'webhook.disabled',
      data: { subscriptionId: id, url: receiver.url, consecutiveFailures: 10 },
    })
    await expect.poll(() => everything.receipts, patience).toHaveLength(29)
    expect(
      (
        await app.inject({
          url: '/api/v1/events?limit=500',
          headers: { 'x-api-key': 'gateway-service-key' },
        })
      ).json().items,
    ).toHaveLength(29)
  })

  test('failures of operational events raise none', async () => {
    const { subscribe, deliveries, raise } = await build()
    const receiver = await startReceiver((response) => response.writeHead(500).end())
    const operator = await startReceiver((response) => response.writeHead(500).end())
    await subscribe({ url: receiver.url, maxRetries: 0 })
    const { id } = await subscribe({ url: operator.url, maxRetries: 0, events: ['webhook.*'] })

    await raise(change('t1', 1))

    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('dead')
    expect(await deliveries(id)).toHaveLength(1)
    expect(operator.receipts).toHaveLength(1)
  })
}

describeDatabases('webhooks', suite)

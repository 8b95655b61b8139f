import type { ServerResponse } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { verifySignature } from '@potok/contracts/webhook-signature'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { patience } from '../testing/patience.ts'
import { header, standardHeaders, startReceiver } from '../testing/receiver.ts'
import { change, createWebhookService } from '../testing/webhook-service.ts'

const HOUR_MS = 3_600_000
const example = { url: 'https://your-app.com/webhook', events: ['entity.created'] }

function suite(store: TestStore): void {
  const build = async (webhooks = {}) =>
    createWebhookService({ place: await store.place(), webhooks })

  test('the example of the README makes a subscription with the defaults of the contract', async () => {
    const { call } = await build()

    const { status, headers, body } = await call('POST', 'webhooks/subscriptions', {
      url: 'https://your-app.com/webhook',
      events: ['entity.created', 'entity.updated'],
      secret: 'your-webhook-secret',
      description: 'Task status updates',
    })

    expect(status).toBe(201)
    expect(headers['location']).toBe(`/api/v1/webhooks/subscriptions/${body.id}`)
    expect(body).toEqual({
      id: expect.stringMatching(/^sub_[0-9a-f]{24}$/u) as string,
      url: 'https://your-app.com/webhook',
      events: ['entity.created', 'entity.updated'],
      description: 'Task status updates',
      ordering: 'none',
      maxRetries: 3,
      retryDelays: [5000, 10_000, 20_000],
      timeoutMs: 30_000,
      maxInFlight: 8,
      active: true,
      consecutiveFailures: 0,
      backlog: { pending: 0, held: 0, dead: 0 },
      createdAt: expect.any(String) as string,
      createdBy: 'service:gateway',
      updatedAt: body.createdAt,
    })
    expect((await call('GET', `webhooks/subscriptions/${body.id}`)).body).toEqual(body)
    expect((await call('GET', 'webhooks/subscriptions')).body).toEqual({ items: [body] })
  })

  test.each([
    ['an unknown event', { ...example, events: ['entity.exploded'] }, 400, 'REQUEST_INVALID'],
    ['no event', { ...example, events: [] }, 400, 'REQUEST_INVALID'],
    ['an unknown field', { ...example, extra: 1 }, 400, 'REQUEST_INVALID'],
    ['a filter that is none', { ...example, filter: { status: ['a'] } }, 400, 'REQUEST_INVALID'],
    ['no URL', { events: ['*'] }, 400, 'REQUEST_INVALID'],
    ['a private address', { ...example, url: 'http://10.0.0.1/' }, 422, 'WEBHOOKS_TARGET_REFUSED'],
    ['metadata', { ...example, url: 'http://169.254.169.254/' }, 422, 'WEBHOOKS_TARGET_REFUSED'],
    ['another scheme', { ...example, url: 'ftp://example.com/' }, 422, 'WEBHOOKS_TARGET_REFUSED'],
    ['a too long time-out', { ...example, timeoutMs: 30_001 }, 422, 'WEBHOOKS_TIMEOUT_TOO_LONG'],
    ['an empty key', { ...example, secret: 'whsec_AAAA' }, 422, 'WEBHOOKS_SECRET_REFUSED'],
  ])('%s is refused', async (_case, body, status, code) => {
    const { call } = await build()

    const answer = await call('POST', 'webhooks/subscriptions', body)

    expect(answer).toMatchObject({ status, body: { code } })
    expect((await call('GET', 'webhooks/subscriptions')).body.items).toEqual([])
  })

  test('creating again under an external id changes the same subscription, of the same caller only', async () => {
    const { call } = await build()
    const given = { ...example, secret: 'the-first-secret', externalId: 'notifier' }
    const first = await call('POST', 'webhooks/subscriptions', given)
    await call('PATCH', `webhooks/subscriptions/${first.body.id}`, { active: false })

    const again = await call('POST', 'webhooks/subscriptions', {
      url: 'https://moved.example/hook',
      events: ['*'],
      externalId: 'notifier',
    })
    const others = await call('POST', 'webhooks/subscriptions', given, {
      'x-api-key': 'state-service-key',
    })

    expect(first.status).toBe(201)
    expect(again.status).toBe(200)
    expect(again.body).toMatchObject({
      id: first.body.id,
      url: 'https://moved.example/hook',
      events: ['*'],
      active: true,
      createdAt: first.body.createdAt,
    })
    expect(again.body.secret).toBeUndefined()
    expect(others.status).toBe(201)
    expect(others.body.id).not.toBe(first.body.id)
  })

  test('a repetition under the same Idempotency-Key gets the stored answer, secret included, and makes nothing', async () => {
    const { call } = await build()
    const headers = { 'idempotency-key': 'k1' }
    const first = await call('POST', 'webhooks/subscriptions', example, headers)

    const second = await call('POST', 'webhooks/subscriptions', example, headers)
    const { id } = first.body
    const rotate = () => call('POST', `webhooks/subscriptions/${id}/rotate-secret`, {}, headers)
    const [once, twice] = [await rotate(), await rotate()]

    expect(second).toMatchObject({ status: 201, body: first.body })
    expect(second.headers['location']).toBe(first.headers['location'])
    expect(first.body.secret).toMatch(/^whsec_/u)
    expect((await call('GET', 'webhooks/subscriptions')).body.items).toHaveLength(1)
    expect(twice.body.secret).toBe(once.body.secret)
    const other = { ...example, events: ['*'] }
    const reused = await call('POST', 'webhooks/subscriptions', other, headers)
    expect(reused.status).toBe(422)
  })

  test('two calls at once under one external id make one subscription', async () => {
    const { call } = await build()
    const given = { ...example, externalId: 'notifier' }

    const answers = await Promise.all(
      Array.from({ length: 8 }, () => call('POST', 'webhooks/subscriptions', given)),
    )

    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(7)
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
  })

  test('a dry run counts the newest events that would have matched and makes nothing', async () => {
    const { call, raise } = await build()
    await raise(change('t1', 1), change('t1', 2, { to: 'completed' }), change('t2', 1))
    await call('POST', 'events', { name: 'tick' })
    const count = async (body: object) =>
      (await call('POST', 'webhooks/subscriptions?dryRun=true', { ...example, ...body })).body

    expect(await count({ events: ['*'] })).toEqual({ matching: 4, examined: 4 })
    expect(await count({ events: ['entity.created'] })).toEqual({ matching: 2, examined: 4 })
    expect(await count({ events: ['*'], filter: { statusTo: ['completed'] } })).toEqual({
      matching: 1,
      examined: 4,
    })
    expect((await call('GET', 'webhooks/subscriptions')).body.items).toEqual([])
    const refused = await call('POST', 'webhooks/subscriptions?dryRun=true', {
      ...example,
      url: 'http://10.0.0.1/',
    })
    expect(refused.status).toBe(422)
  })

  test('names and filters decide what is delivered', async () => {
    const { subscribe, raise, call } = await build()
    const receiver = await startReceiver()
    await subscribe({
      url: receiver.url,
      events: ['entity.updated', 'custom.event'],
      filter: { entity: ['task'], metadata: { assignee: 'u1' } },
    })
    const custom = await startReceiver()
    await subscribe({ url: custom.url, events: ['custom.event'], filter: { id: ['r1'] } })

    await raise(
      change('t1', 1, { metadata: { assignee: 'u1' } }),
      change('t1', 2, { metadata: { assignee: 'u2' } }),
      change('t1', 3, { metadata: { assignee: 'u1' } }),
    )
    await call('POST', 'events', { name: 'a', entity: 'report', id: 'r1', data: { n: 1 } })

    await expect.poll(() => receiver.versions(), patience).toEqual(['t1/3'])
    await expect.poll(() => custom.receipts, patience).toHaveLength(1)
    expect(JSON.parse(custom.receipts[0]?.body ?? '')).toMatchObject({
      event: 'custom.event',
      data: { name: 'a', entity: 'report', id: 'r1', data: { n: 1 } },
    })
  })

  test('a change of the URL takes what is waiting along', async () => {
    const { app, call, subscribe, raise, deliveries } = await build()
    const before = await startReceiver((response) => response.writeHead(500).end())
    const after = await startReceiver()
    const { id } = await subscribe({ url: before.url })
    await raise(change('t1', 1))
    await expect.poll(async () => (await deliveries(id))[0]?.attempts.length, patience).toBe(1)

    const patched = await call('PATCH', `webhooks/subscriptions/${id}`, { url: after.url })
    app.store.setClockOffset(5000)

    expect(patched.body.url).toBe(after.url)
    await expect.poll(() => after.versions(), patience).toEqual(['t1/1'])
    const refused = await call('PATCH', `webhooks/subscriptions/${id}`, { url: 'http://10.0.0.1/' })
    expect(refused.body.code).toBe('WEBHOOKS_TARGET_REFUSED')
  })

  test('during a rotation both secrets sign; the grace ends by itself or by finish', async () => {
    const { app, call, subscribe, raise, deliveries } = await build()
    const receiver = await startReceiver()
    const { id } = await subscribe({ url: receiver.url, secret: 'the-first-secret' })
    const rotated = await call('POST', `webhooks/subscriptions/${id}/rotate-secret`, {
      graceSeconds: 3600,
    })
    const secret: string = rotated.body.secret
    await raise(change('t1', 1))
    // Settled before the clock is moved, which would end its lease.
    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('delivered')

    const [during] = receiver.receipts
    const body = during?.body ?? ''
    expect(secret).toMatch(/^whsec_/u)
    expect(verifySignature(body, header(during, 'x-webhook-signature'), ['the-first-secret'])).toBe(
      true,
    )
    expect(header(during, 'webhook-signature').split(' ')).toHaveLength(2)
    expect(new Webhook(secret).verify(body, standardHeaders(during))).toBeTruthy()
    const old = new Webhook('the-first-secret', { format: 'raw' })
    expect(old.verify(body, standardHeaders(during))).toBeTruthy()

    app.store.setClockOffset(HOUR_MS)
    await raise(change('t1', 2))
    await expect.poll(() => receiver.receipts, patience).toHaveLength(2)
    const [, later] = receiver.receipts
    const signature = header(later, 'x-webhook-signature')
    expect(verifySignature(later?.body ?? '', signature, [secret])).toBe(true)
    expect(header(later, 'webhook-signature').split(' ')).toHaveLength(1)

    await call('POST', `webhooks/subscriptions/${id}/rotate-secret`, { secret: 'the-third-secret' })
    const finished = await call('POST', `webhooks/subscriptions/${id}/rotate-secret/finish`)
    expect(finished.status).toBe(200)
    await raise(change('t1', 3))
    await expect.poll(() => receiver.receipts, patience).toHaveLength(3)
    const [, , last] = receiver.receipts
    expect(
      verifySignature(last?.body ?? '', header(last, 'x-webhook-signature'), ['the-third-secret']),
    ).toBe(true)
    const again = await call('POST', `webhooks/subscriptions/${id}/rotate-secret/finish`)
    expect(again).toMatchObject({ status: 409, body: { code: 'WEBHOOKS_NO_ROTATION' } })
  })

  test('a ping is sent at once, signed, and its answer told; it leaves no trace', async () => {
    const { call, subscribe, deliveries } = await build()
    const receiver = await startReceiver((response) => response.writeHead(418).end('a teapot'))
    const { id } = await subscribe({ url: receiver.url, secret: 'the-secret-of-pings' })

    const { status, body } = await call('POST', `webhooks/subscriptions/${id}/test`)

    expect(status).toBe(200)
    expect(body).toMatchObject({
      delivered: false,
      responseStatus: 418,
      responseBody: 'a teapot',
      error: 'the endpoint answered 418',
    })
    const [receipt] = receiver.receipts
    expect(header(receipt, 'x-webhook-event')).toBe('webhook.ping')
    const signature = header(receipt, 'x-webhook-signature')
    expect(verifySignature(receipt?.body ?? '', signature, ['the-secret-of-pings'])).toBe(true)
    expect(await deliveries(id)).toEqual([])
  })

  test('the end of a subscription cancels what waits for it', async () => {
    const { app, call, subscribe, raise, deliveries } = await build()
    const receiver = await startReceiver((response) => response.writeHead(500).end())
    const { id } = await subscribe({ url: receiver.url })
    await raise(change('t1', 1))
    await expect.poll(async () => (await deliveries(id))[0]?.attempts.length, patience).toBe(1)
    const [delivery] = await deliveries(id)

    expect((await call('DELETE', `webhooks/subscriptions/${id}`)).status).toBe(204)
    app.store.setClockOffset(HOUR_MS)
    await raise(change('t1', 2))

    expect((await call('GET', `webhooks/deliveries/${delivery?.id}`)).body).toMatchObject({
      status: 'cancelled',
      explain: 'its subscription was deleted',
    })
    expect((await call('GET', `webhooks/subscriptions/${id}`)).status).toBe(404)
    expect((await call('DELETE', `webhooks/subscriptions/${id}`)).status).toBe(404)
    expect(receiver.receipts).toHaveLength(1)
  })

  test.each([true, false])(
    'what was never tried when its subscription (active: %s) ended says so, and is sent to nobody',
    async (active) => {
      const { call, subscribe, raise, deliveries } = await build()
      const open: ServerResponse[] = []
      const receiver = await startReceiver((response) => void open.push(response))
      const { id } = await subscribe({ url: receiver.url, maxInFlight: 1 })
      await raise(change('t1', 1))
      await expect.poll(() => receiver.receipts, patience).toHaveLength(1)
      if (!active) await call('PATCH', `webhooks/subscriptions/${id}`, { active })
      await raise(change('t1', 2), change('t2', 1))
      const waiting = (await deliveries(id)).filter(({ attempts, explain }) => {
        return attempts.length === 0 && !explain.startsWith('is being sent')
      })
      const of = async (one: { id: string }) =>
        (await call('GET', `webhooks/deliveries/${one.id}`)).body

      expect((await call('DELETE', `webhooks/subscriptions/${id}`)).status).toBe(204)
      for (const response of open) response.end()

      expect(waiting).toHaveLength(2)
      const cancelled = {
        status: 'cancelled',
        explain: 'its subscription was deleted',
        attempts: [],
      }
      for (const one of waiting) expect(await of(one)).toMatchObject(cancelled)
      for (const one of waiting) {
        // Out of the queue, into the log.
        await expect.poll(async () => (await of(one)).finishedAt, patience).toBeDefined()
        expect(await of(one)).toMatchObject(cancelled)
        const again = await call('POST', `webhooks/deliveries/${one.id}/redeliver`)
        expect(again).toMatchObject({
          status: 404,
          body: { code: 'WEBHOOKS_SUBSCRIPTION_NOT_FOUND' },
        })
      }
      expect(receiver.receipts).toHaveLength(1)
    },
  )

  test.each([
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['POST', '/test'],
    ['POST', '/rotate-secret'],
    ['POST', '/rotate-secret/finish'],
    ['GET', '/deliveries'],
    ['POST', '/replay'],
  ] as const)('%s of nothing%s is 404', async (method, path) => {
    const { call } = await build()
    const bodies: Record<string, object> = {
      PATCH: { active: true },
      '/rotate-secret': {},
      '/replay': { from: '2025-11-10T10:00:00.000Z' },
    }

    const body = bodies[path] ?? bodies[method]
    const answer = await call(method, `webhooks/subscriptions/sub_nothing${path}`, body)

    expect(answer).toMatchObject({ status: 404, body: { code: 'WEBHOOKS_SUBSCRIPTION_NOT_FOUND' } })
  })

  test('an event on one replica matches what another replica acknowledged before', async () => {
    if (store.dialect === 'sqlite') return
    const place = await store.place()
    const one = await createWebhookService({ place })
    const two = await createWebhookService({ place })
    const receiver = await startReceiver()
    await two.raise(change('t0', 1))
    for (let round = 1; round <= 20; round += 1) {
      const { id } = await one.subscribe({ url: receiver.url })
      await two.raise(change('t1', round))
      await expect.poll(() => receiver.receipts.length, patience).toBeGreaterThanOrEqual(round)
      expect((await two.call('DELETE', `webhooks/subscriptions/${id}`)).status).toBe(204)
    }

    expect(new Set(receiver.versions()).size).toBe(20)
  })

  test('pages of subscriptions follow each other', async () => {
    const { call, subscribe } = await build({ maxSubscriptions: 5 })
    const made = await Promise.all(
      Array.from({ length: 5 }, async () => (await subscribe(example)).id),
    )

    const first = await call('GET', 'webhooks/subscriptions?limit=3')
    const second = await call(
      'GET',
      `webhooks/subscriptions?limit=3&cursor=${first.body.nextCursor}`,
    )

    const ids = [...first.body.items, ...second.body.items].map(({ id }: { id: string }) => id)
    expect(ids.toSorted()).toEqual(made.toSorted())
    expect(second.body.nextCursor).toBeUndefined()
    const sixth = await call('POST', 'webhooks/subscriptions', example)
    expect(sixth).toMatchObject({ status: 409, body: { code: 'WEBHOOKS_TOO_MANY_SUBSCRIPTIONS' } })
  })
}

describeDatabases('subscriptions', suite)

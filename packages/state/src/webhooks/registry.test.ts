import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { describeDatabases, describePostgres, type TestStore } from '@potok/core/testing/databases'
import { patience } from '../testing/patience.ts'
import { startReceiver } from '../testing/receiver.ts'
import { change, createWebhookService } from '../testing/webhook-service.ts'

/** A replica whose copy of the subscriptions stays as it is unless something makes it look. */
const UNAWARE = { freshMs: 60_000 }

function replicas(store: TestStore): void {
  test('a delivery taken up by a replica that has not heard of its subscription yet is made', async () => {
    const place = await store.place()
    const idle = { concurrency: 0 }
    const one = await createWebhookService({ place, webhooks: idle })
    const other = await createWebhookService({ place, webhooks: UNAWARE })
    const receiver = await startReceiver()
    const { id } = await one.subscribe({ url: receiver.url })

    await one.raise(change('t1', 1))

    await expect
      .poll(async () => (await other.deliveries(id))[0]?.status, patience)
      .not.toBe('pending')
    expect(await other.deliveries(id)).toMatchObject([{ status: 'delivered' }])
    expect(receiver.versions()).toEqual(['t1/1'])
  })

  test('what one replica made can be pinged, sent again and replayed at another at once', async () => {
    const place = await store.place()
    const one = await createWebhookService({ place })
    const other = await createWebhookService({
      place,
      webhooks: { ...UNAWARE, concurrency: 0 },
    })
    const receiver = await startReceiver()
    const { id } = await one.subscribe({ url: receiver.url })
    const path = `webhooks/subscriptions/${id}`

    expect(await other.call('POST', `${path}/test`)).toMatchObject({
      status: 200,
      body: { delivered: true },
    })
    const span = { from: '2025-11-10T10:00:00Z' }
    expect((await other.call('POST', `${path}/replay`, span)).status).toBe(202)
  })
}

function suite(store: TestStore): void {
  test('a store that was put back is followed back, and what is changed in it afterwards as well', async () => {
    const { app, call, subscribe, raise } = await createWebhookService({
      place: await store.place(),
    })
    const given = await startReceiver()
    const restored = await startReceiver()
    const { id } = await subscribe({ url: given.url })
    await raise(change('t1', 1))
    await expect.poll(() => given.versions(), patience).toEqual(['t1/1'])
    await app.store.write(async (trx) => {
      const tables = app.store.as<object>().transaction(trx)
      await sql`update webhook_registry set version = 1`.execute(tables)
      await sql`update webhook_subscriptions set url = ${restored.url}`.execute(tables)
    })

    await raise(change('t1', 2))
    await expect.poll(() => restored.versions(), patience).toEqual(['t1/2'])
    await call('PATCH', `webhooks/subscriptions/${id}`, { url: given.url })
    await raise(change('t1', 3))

    await expect.poll(() => given.versions(), patience).toEqual(['t1/1', 't1/3'])
  })

  test('an operational event reaches who subscribed to it while the attempt was under way', async () => {
    const { subscribe, raise } = await createWebhookService({
      place: await store.place(),
      webhooks: UNAWARE,
    })
    const slow = await startReceiver(() => undefined)
    const operator = await startReceiver()
    await subscribe({ url: slow.url, maxRetries: 0, timeoutMs: 1000 })
    await raise(change('t1', 1))
    await expect.poll(() => slow.receipts, patience).toHaveLength(1)

    await subscribe({ url: operator.url, events: ['webhook.exhausted'] })

    await expect
      .poll(() => operator.receipts.map(({ headers }) => headers['x-webhook-event']), patience)
      .toEqual(['webhook.exhausted'])
  })
}

describePostgres('subscriptions as replicas know them', replicas)
describeDatabases('the copy of the subscriptions', suite)

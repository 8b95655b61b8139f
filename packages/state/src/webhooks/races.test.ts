import type { ServerResponse } from 'node:http'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { verifySignature } from '@potok/contracts/webhook-signature'
import { describeDatabases, describePostgres, type TestStore } from '@potok/core/testing/databases'
import { patience } from '../testing/patience.ts'
import { header, startReceiver } from '../testing/receiver.ts'
import { change, createWebhookService } from '../testing/webhook-service.ts'

type Service = Awaited<ReturnType<typeof createWebhookService>>

/** Another replica deactivates a subscription: it has its row already when `call` comes, and commits after that. */
async function deactivating(
  { app: { store } }: Service,
  id: string,
  call: () => Promise<unknown>,
): Promise<void> {
  let called: Promise<unknown> | undefined
  const { kysely } = store.as<object>()
  const waiting = async (): Promise<number> => {
    const { rows } = await sql`select 1 from pg_stat_activity
      where wait_event_type = 'Lock' and query like '%webhook_subscriptions%'`.execute(kysely)
    return rows.length
  }
  await store.write(async (trx) => {
    const tables = store.as<object>().transaction(trx)
    await sql`update webhook_subscriptions set active = 0 where id = ${id}`.execute(tables)
    called = call()
    await expect.poll(waiting, patience).toBe(1)
    await sql`insert into queue_lanes (queue, lane, held)
      values ('webhook-deliveries', ${id}, 1)`.execute(tables)
  })
  await called
}

function replicas(store: TestStore): void {
  test('what waits for a subscription that is deleted while another replica deactivates it leaves the queue', async () => {
    const service = await createWebhookService({ place: await store.place() })
    const held: ServerResponse[] = []
    const receiver = await startReceiver((response) => void held.push(response))
    const { id } = await service.subscribe({ url: receiver.url, maxInFlight: 1 })
    await service.raise(change('t1', 1), change('t2', 1))
    await expect.poll(() => held, patience).toHaveLength(1)

    await deactivating(service, id, () => service.call('DELETE', `webhooks/subscriptions/${id}`))
    for (const response of held) response.end()

    const { kysely } = service.app.store.as<object>()
    const queued = async () => (await sql`select 1 from queue_jobs`.execute(kysely)).rows.length
    await expect.poll(queued, patience).toBe(0)
  })

  test('a subscription that is asked for again while another replica deactivates it is active', async () => {
    const service = await createWebhookService({ place: await store.place() })
    const receiver = await startReceiver()
    const body = { url: receiver.url, events: ['*'], externalId: 'mine' }
    const { id } = await service.subscribe(body)

    await deactivating(service, id, () =>
      service.call('POST', 'webhooks/subscriptions', { ...body, description: 'again' }),
    )

    expect(await service.subscription(id)).toMatchObject({ active: true, description: 'again' })
    await service.raise(change('t1', 1))
    await expect.poll(() => receiver.versions(), patience).toEqual(['t1/1'])
  })
}

function suite(store: TestStore): void {
  const build = async (webhooks = {}) =>
    createWebhookService({ place: await store.place(), webhooks })

  test('what an endpoint answers after its subscription has moved says nothing about the new one', async () => {
    const { call, subscribe, subscription, raise } = await build({
      failureSpacingMs: 0,
      maxFailures: 2,
    })
    const open: ServerResponse[] = []
    const old = await startReceiver((response) => void open.push(response))
    const moved = await startReceiver()
    const { id } = await subscribe({ url: old.url })
    await raise(change('t1', 1), change('t2', 1), change('t3', 1))
    await expect.poll(() => open, patience).toHaveLength(3)
    await call('PATCH', `webhooks/subscriptions/${id}`, { url: moved.url })

    const [gone, ...others] = open
    gone?.writeHead(410).end()
    for (const response of others) response.writeHead(500).end()

    await expect.poll(() => moved.versions().length, patience).toBe(1)
    expect(await subscription(id)).toMatchObject({ active: true, consecutiveFailures: 0 })
  })

  test('a subscription that moves leaves the failures of its old endpoint behind', async () => {
    const { call, subscribe, subscription, raise } = await build({ failureSpacingMs: 0 })
    const old = await startReceiver((response) => response.writeHead(500).end())
    const { id } = await subscribe({ url: old.url, maxRetries: 0 })
    await raise(change('t1', 1), change('t2', 1), change('t3', 1))
    await expect.poll(async () => (await subscription(id)).consecutiveFailures, patience).toBe(3)

    await call('PATCH', `webhooks/subscriptions/${id}`, { url: 'https://your-app.com/webhook' })

    const { consecutiveFailures, lastError } = await subscription(id)
    expect({ consecutiveFailures, lastError }).toEqual({ consecutiveFailures: 0 })
  })

  test('who says another secret under an external id is not signed for with the one before', async () => {
    const { call, subscribe, raise } = await build()
    const receiver = await startReceiver()
    const body = { url: receiver.url, events: ['*'], externalId: 'mine' }
    const { id } = await subscribe({ ...body, secret: 'the-first-secret' })
    await call('POST', `webhooks/subscriptions/${id}/rotate-secret`, {
      secret: 'the-second-secret',
    })

    await call('POST', 'webhooks/subscriptions', { ...body, secret: 'the-third-secret' })
    await raise(change('t1', 1))

    await expect.poll(() => receiver.receipts, patience).toHaveLength(1)
    const [receipt] = receiver.receipts
    const signature = header(receipt, 'x-webhook-signature')
    expect(verifySignature(receipt?.body ?? '', signature, ['the-third-secret'])).toBe(true)
    expect(header(receipt, 'webhook-signature').split(' ')).toHaveLength(1)
  })
}

describePostgres('subscriptions that two replicas change', replicas)
describeDatabases('subscriptions that change while attempts are under way', suite)

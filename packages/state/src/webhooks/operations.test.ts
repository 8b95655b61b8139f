import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { patience } from '../testing/patience.ts'
import { startReceiver } from '../testing/receiver.ts'
import { change, createWebhookService } from '../testing/webhook-service.ts'

const DAY_MS = 86_400_000

function suite(store: TestStore): void {
  const build = async (webhooks = {}) =>
    createWebhookService({ place: await store.place(), webhooks })

  test('an address that an operator has closed is not reached, says which setting opens it, and is held against nobody', async () => {
    const place = await store.place()
    const before = await createWebhookService({ place })
    const receiver = await startReceiver()
    const { id } = await before.subscribe({ url: receiver.url, maxRetries: 0 })
    await before.app.close()

    const open = await startReceiver(() => undefined)
    const allowedTargets = new URL(open.url).origin
    const production = { production: true, failureSpacingMs: 0, maxFailures: 2, allowedTargets }
    const { call, raise, deliveries, subscription } = await createWebhookService({
      place,
      webhooks: production,
    })
    await raise(change('t1', 1), change('t2', 1), change('t3', 1))

    await expect
      .poll(async () => (await deliveries(id)).map(({ status }) => status), patience)
      .toEqual(['dead', 'dead', 'dead'])
    expect((await deliveries(id))[0]?.explain).toContain(
      '127.0.0.1, which is not public and not in WEBHOOK_ALLOWED_TARGETS',
    )
    expect(await subscription(id)).toMatchObject({ active: true, consecutiveFailures: 0 })
    expect(receiver.receipts).toEqual([])

    // Nor is it an endpoint to be spared, which would get one delivery at a time.
    await call('PATCH', `webhooks/subscriptions/${id}`, { url: open.url, timeoutMs: 1000 })
    await raise(change('t4', 1), change('t5', 1))
    await expect.poll(() => open.receipts, patience).toHaveLength(2)
    const [first, second] = open.receipts.map(({ at }) => at)
    expect((second ?? 0) - (first ?? 0)).toBeLessThan(1000)
  })

  test('a subscription deactivated by hand holds its deliveries and says who did it', async () => {
    const { call, subscribe, subscription, raise, deliveries } = await build()
    const receiver = await startReceiver()
    const { id } = await subscribe({ url: receiver.url })
    await call('PATCH', `webhooks/subscriptions/${id}`, { active: false })

    await raise(change('t1', 1), change('t1', 2))

    expect(await subscription(id)).toMatchObject({
      active: false,
      disabledReason: 'deactivated by service:gateway',
      backlog: { pending: 0, held: 2, dead: 0 },
    })
    expect((await deliveries(id, '?status=held')).map(({ status }) => status)).toEqual([
      'held',
      'held',
    ])
    expect(await deliveries(id, '?status=pending')).toEqual([])
    await call('PATCH', `webhooks/subscriptions/${id}`, { active: true })
    await expect.poll(() => receiver.versions().toSorted(), patience).toEqual(['t1/1', 't1/2'])
  })

  test('finished and held deliveries are kept for their time and not longer', async () => {
    const { app, call, subscribe, raise, deliveries } = await build({
      retentionDays: 7,
      purgeMs: 30,
      maxRetries: 0,
    })
    const good = await startReceiver()
    const bad = await startReceiver((response) => response.writeHead(500).end())
    const held = await subscribe({ url: good.url })
    await call('PATCH', `webhooks/subscriptions/${held.id}`, { active: false })
    const delivered = await subscribe({ url: good.url })
    const dead = await subscribe({ url: bad.url })
    await raise(change('t1', 1))
    const count = async (id: string) => (await deliveries(id)).length
    const counts = () => Promise.all([held.id, delivered.id, dead.id].map(count))
    const waiting = async () =>
      (await deliveries(delivered.id, '?status=pending')).length +
      (await deliveries(dead.id, '?status=pending')).length
    await expect.poll(waiting, patience).toBe(0)

    app.store.setClockOffset(6 * DAY_MS)
    await raise(change('t2', 1))
    await expect.poll(waiting, patience).toBe(0)
    expect(await counts()).toEqual([2, 2, 2])
    app.store.setClockOffset(7 * DAY_MS + 60_000)

    await expect
      .poll(() => Promise.all([count(delivered.id), count(dead.id)]), patience)
      .toEqual([1, 1])
    await expect
      .poll(
        async () => (await deliveries(held.id)).map(({ status }) => status).toSorted(),
        patience,
      )
      .toEqual(['cancelled', 'held'])
    const [cancelled] = await deliveries(held.id, '?status=cancelled')
    expect(cancelled?.explain).toBe('held for more than DELIVERY_RETENTION_DAYS (7)')
  })

  test('metrics tell what became of deliveries, how long attempts took and what waits', async () => {
    const { app, call, subscribe, raise, deliveries } = await build({ maxRetries: 1 })
    const good = await startReceiver()
    const bad = await startReceiver((response) => response.writeHead(500).end())
    const paused = await subscribe({ url: good.url })
    await call('PATCH', `webhooks/subscriptions/${paused.id}`, { active: false })
    const one = await subscribe({ url: good.url })
    const other = await subscribe({ url: bad.url })
    await raise(change('t1', 1))
    await expect.poll(async () => (await deliveries(one.id))[0]?.status, patience).toBe('delivered')
    await expect
      .poll(async () => (await deliveries(other.id))[0]?.attempts.length, patience)
      .toBe(1)

    const text = (await app.inject('/metrics')).body

    expect(text).toContain('webhook_deliveries_total{outcome="delivered"} 1')
    expect(text).toContain('webhook_deliveries_total{outcome="failed"} 1')
    expect(text).toContain('webhook_deliveries_total{outcome="dead"} 0')
    expect(text).toContain('webhook_delivery_duration_seconds_count{outcome="delivered"} 1')
    expect(text).toContain('webhook_backlog{status="pending"} 1')
    expect(text).toContain('webhook_backlog{status="held"} 1')
    expect(text).toContain('webhook_backlog{status="dead"} 0')
  })

  test('a delivery that was delivered and is sent again is not told as one that failed', async () => {
    const { call, subscribe, raise, deliveries } = await build()
    let answers = 0
    const receiver = await startReceiver((response) => {
      answers += 1
      if (answers === 1) response.writeHead(204).end()
    })
    const { id } = await subscribe({ url: receiver.url })
    await raise(change('t1', 1))
    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('delivered')

    const [told] = await deliveries(id)
    await call('POST', `webhooks/deliveries/${told?.id}/redeliver`)
    await expect.poll(() => receiver.receipts, patience).toHaveLength(2)

    expect((await deliveries(id))[0]).toMatchObject({
      status: 'pending',
      explain: 'is being sent now; attempt 1 delivered it, it is sent again',
    })
  })

  test('an operational event can be sent again as any other', async () => {
    const { call, subscribe, raise, deliveries } = await build({ maxRetries: 0 })
    const bad = await startReceiver((response) => response.writeHead(500).end())
    const operator = await startReceiver()
    const { id } = await subscribe({ url: operator.url, events: ['webhook.exhausted'] })
    await subscribe({ url: bad.url })
    await raise(change('t1', 1))
    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('delivered')

    const [told] = await deliveries(id)
    const again = await call('POST', `webhooks/deliveries/${told?.id}/redeliver`)

    expect(again.status).toBe(202)
    await expect.poll(() => operator.receipts, patience).toHaveLength(2)
    const [first, second] = operator.receipts.map(({ body }) => body)
    expect(second).toBe(first)
  })

  test('a delivery that was taken up time after time without an outcome is dead, and the operator is told', async () => {
    const { app, subscribe, raise, deliveries } = await build()
    const hanging = await startReceiver(() => undefined)
    const operator = await startReceiver()
    await subscribe({ url: operator.url, events: ['webhook.exhausted'] })
    // In order: one that is claimed on every store.
    const { id } = await subscribe({ url: hanging.url, ordering: 'entity' })
    await raise(change('t1', 1))
    await expect.poll(() => hanging.receipts, patience).toHaveLength(1)

    await app.store.write((trx) =>
      sql`update queue_jobs set leases = 5, fence = fence + 1, lease_until = 0`.execute(
        app.store.as<object>().transaction(trx),
      ),
    )

    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('dead')
    await expect.poll(() => operator.receipts, patience).toHaveLength(1)
    expect(JSON.parse(operator.receipts[0]?.body ?? '{}')).toMatchObject({
      event: 'webhook.exhausted',
      data: { subscriptionId: id, lastError: 'taken up 5 times without an outcome' },
    })
  })

  test('what was under way when the service stopped is delivered by the next one', async () => {
    const place = await store.place()
    const before = await createWebhookService({ place })
    const receiver = await startReceiver(() => undefined)
    const { id } = await before.subscribe({ url: receiver.url })
    await before.raise(change('t1', 1))
    await expect.poll(() => receiver.receipts, patience).toHaveLength(1)
    receiver.behave((response) => response.end())
    await before.app.close()

    const { deliveries } = await createWebhookService({ place })

    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('delivered')
    expect(receiver.versions()).toEqual(['t1/1', 't1/1'])
    expect((await deliveries(id))[0]?.attempts).toHaveLength(1)
  })
}

describeDatabases('operating webhooks', suite)

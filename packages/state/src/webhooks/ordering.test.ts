import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { patience } from '../testing/patience.ts'
import { startReceiver } from '../testing/receiver.ts'
import { change, createWebhookService } from '../testing/webhook-service.ts'

function suite(store: TestStore): void {
  const build = async (webhooks = {}) =>
    createWebhookService({ place: await store.place(), webhooks })

  test('in order by entity a failed delivery holds up its own entity only', async () => {
    const { app, subscribe, raise, deliveries } = await build()
    const receiver = await startReceiver((response, { body }) =>
      response.writeHead(body.includes('"id":"t1"') ? 500 : 200).end(),
    )
    const { id } = await subscribe({ url: receiver.url, ordering: 'entity', maxRetries: 1 })

    await raise(change('t1', 1), change('t1', 2), change('t2', 1), change('t2', 2))
    await expect
      .poll(() => receiver.versions().toSorted(), patience)
      .toEqual(['t1/1', 't2/1', 't2/2'])

    const waiting = (await deliveries(id)).find(
      (delivery) => delivery.entityId === 't1' && delivery.version === 2,
    )
    expect(waiting?.explain).toBe('waits behind an earlier delivery of task/t1')
    receiver.behave((response) => response.end())
    app.store.setClockOffset(5000)
    await expect
      .poll(async () => (await deliveries(id)).map(({ status }) => status), patience)
      .toEqual(Array.from({ length: 4 }, () => 'delivered'))
    const order = receiver.versions()
    expect(order.filter((version) => version.startsWith('t1'))).toEqual(['t1/1', 't1/1', 't1/2'])
    expect(order.filter((version) => version.startsWith('t2'))).toEqual(['t2/1', 't2/2'])
  })

  test('in mode latest only the newest version goes out after what is under way, the rest is skipped', async () => {
    const { call, subscribe, raise, deliveries } = await build()
    const open: ServerResponse[] = []
    const receiver = await startReceiver((response) => void open.push(response))
    const { id } = await subscribe({ url: receiver.url, ordering: 'latest' })
    await raise(change('t1', 1))
    await expect.poll(() => open, patience).toHaveLength(1)
    for (let version = 2; version <= 5; version += 1) await raise(change('t1', version))
    await raise(change('t2', 1), change('t2', 2), change('t2', 3))
    receiver.behave((response) => response.end())

    for (const response of open) response.end()

    await expect
      .poll(async () => (await deliveries(id, '?status=pending')).length, patience)
      .toBe(0)
    expect(receiver.versions().toSorted()).toEqual(['t1/1', 't1/5', 't2/3'])
    const skipped = await deliveries(id, '?status=skipped')
    expect(skipped.map(({ entityId, version }) => `${entityId}/${version}`).toSorted()).toEqual([
      't1/2',
      't1/3',
      't1/4',
      't2/1',
      't2/2',
    ])
    expect(skipped[0]?.explain).toBe('a newer version of its entity came before it was delivered')
    const again = await call('POST', `webhooks/deliveries/${skipped[0]?.id}/redeliver`)
    expect(again.status).toBe(202)
  })

  test('a delivery on its way is not sent twice; a finished one can be, as often as one likes', async () => {
    const { call, subscribe, raise, deliveries } = await build()
    const open: ServerResponse[] = []
    const receiver = await startReceiver((response) => void open.push(response))
    const { id } = await subscribe({ url: receiver.url })
    await raise(change('t1', 1))
    await expect.poll(() => open, patience).toHaveLength(1)
    const [running] = await deliveries(id)
    const redeliver = () => call('POST', `webhooks/deliveries/${running?.id}/redeliver`)

    expect(running).toMatchObject({ status: 'pending', explain: 'is being sent now' })
    expect(await redeliver()).toMatchObject({
      status: 409,
      body: { code: 'WEBHOOKS_DELIVERY_PENDING' },
    })
    receiver.behave((response) => response.end())
    for (const response of open) response.end()
    await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('delivered')
    const again = await redeliver()

    expect(again).toMatchObject({ status: 202, body: { id: running?.id, status: 'pending' } })
    await expect.poll(async () => (await deliveries(id))[0]?.attempts.length, patience).toBe(2)
    expect((await deliveries(id))[0]?.status).toBe('delivered')
    const bodies = receiver.receipts.map(({ body }) => body)
    expect(bodies[1]).toBe(bodies[0])
    const nothing = await call('POST', 'webhooks/deliveries/dlv_nothing/redeliver')
    expect(nothing).toMatchObject({ status: 404, body: { code: 'WEBHOOKS_DELIVERY_NOT_FOUND' } })
  })

  test('pages of deliveries go through the queue and then through the log, each once', async () => {
    const { call, subscribe, raise } = await build()
    let answered = 0
    const receiver = await startReceiver((response) => {
      answered += 1
      if (answered <= 7) response.end()
    })
    const { id } = await subscribe({ url: receiver.url, maxInFlight: 3 })
    await raise(...Array.from({ length: 20 }, (_, index) => change(`t${index}`, 1)))
    const path = `webhooks/subscriptions/${id}/deliveries?limit=4`
    await expect
      .poll(async () => (await call('GET', `${path}&status=delivered`)).body.items.length, patience)
      .toBe(4)
    await expect.poll(() => receiver.receipts, patience).toHaveLength(10)

    const seen: { id: string; status: string }[] = []
    let cursor = ''
    do {
      const { body } = await call('GET', `${path}${cursor}`)
      seen.push(...body.items)
      cursor = body.nextCursor === undefined ? '' : `&cursor=${body.nextCursor}`
    } while (cursor !== '')

    expect(new Set(seen.map((delivery) => delivery.id)).size).toBe(20)
    expect(seen.filter(({ status }) => status === 'delivered')).toHaveLength(7)
    expect(seen.filter(({ status }) => status === 'pending')).toHaveLength(13)
    const refused = await call('GET', `${path}&cursor=nonsense`)
    expect(refused).toMatchObject({ status: 400, body: { code: 'WEBHOOKS_CURSOR_REFUSED' } })
  })

  test('an endpoint that hangs delays nobody else, and gets one delivery at a time before long', async () => {
    const { subscribe, raise, subscription } = await build({ concurrency: 16 })
    /** Deliveries that hung there when the one came, itself included. */
    const together: number[] = []
    let open = 0
    const hanging = await startReceiver((response, _receipt, count) => {
      open += 1
      response.once('close', () => (open -= 1))
      // What was given up before this one was sent has closed by the next turn of the loop, however busy the machine.
      setImmediate(() => (together[count - 1] = open))
    })
    const healthy = await startReceiver()
    const { id } = await subscribe({ url: hanging.url, timeoutMs: 3000, maxRetries: 0 })
    await subscribe({ url: healthy.url })

    await raise(...Array.from({ length: 40 }, (_, index) => change(`t${index}`, 1)))
    await expect.poll(() => healthy.receipts, patience).toHaveLength(40)

    // Nobody has waited for one that hung: none of them has been given up yet.
    expect(hanging.receipts.length).toBeLessThanOrEqual(8)
    expect((await subscription(id)).backlog.dead).toBe(0)
    await expect
      .poll(async () => (await subscription(id)).backlog.dead, patience)
      .toBeGreaterThanOrEqual(8)
    await expect.poll(() => together.slice(10).at(-1), patience).toBe(1)
    expect(Math.max(...together)).toBe(8)
    // Each failure before the fifth, by which the endpoint is known, may let one more go.
    expect(together.slice(8).filter((count) => count > 1).length).toBeLessThanOrEqual(4)
  }, 60_000)
}

describeDatabases('order and isolation', suite)

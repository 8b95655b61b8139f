import { expect, test } from 'vitest'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { createWebhookService } from '../testing/webhook-service.ts'

const cursorOf = (place: unknown): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url')

/** Places that no page of ours ends at. */
const PLACES = {
  'of a state long before the first': { state: -1e12, sort: 0, seq: 0 },
  'of a state that is none': { state: 9, sort: 0, seq: 0 },
  'beyond every number of the queue': { state: 0, sort: 1e300, seq: 0 },
  'beyond every time of the log': { createdAt: 1e300, id: 'dlv_1' },
  'with an id that no store takes': { createdAt: 1, id: '\0' },
}

function suite(store: TestStore): void {
  test.each(Object.entries(PLACES))('a cursor %s is refused', async (_, place) => {
    const { call, subscribe } = await createWebhookService({ place: await store.place() })
    const { id } = await subscribe({ url: 'https://your-app.com/webhook' })

    const page = await call(
      'GET',
      `webhooks/subscriptions/${id}/deliveries?cursor=${cursorOf(place)}`,
    )

    expect(page).toMatchObject({ status: 400, body: { code: 'WEBHOOKS_CURSOR_REFUSED' } })
  })

  test('a span of time that no calendar has is refused by name', async () => {
    const { call, subscribe } = await createWebhookService({ place: await store.place() })
    const { id } = await subscribe({ url: 'https://your-app.com/webhook' })
    const replay = (span: object) => call('POST', `webhooks/subscriptions/${id}/replay`, span)

    const leap = '2016-12-31T23:59:60Z'
    const from = '2025-11-10T10:00:00Z'
    const paths = async (span: object) => {
      const { status, body } = await replay(span)
      return [status, body.errors?.[0]?.path]
    }
    expect(await paths({ from: leap })).toEqual([400, '/body/from'])
    expect(await paths({ from, to: leap })).toEqual([400, '/body/to'])
    expect(await paths({ from, to: '2025-11-09T10:00:00Z' })).toEqual([400, '/body/to'])
  })

  test('a refusal says which member of the body it is about', async () => {
    const { call } = await createWebhookService({ place: await store.place() })
    const good = { url: 'https://your-app.com/webhook', events: ['*'] }
    const paths = async (more: object) => {
      const { status, body } = await call('POST', 'webhooks/subscriptions', { ...good, ...more })
      return [status, body.errors?.[0]?.path]
    }

    expect(await paths({ url: 'http://10.0.0.1/' })).toEqual([422, '/body/url'])
    expect(await paths({ timeoutMs: 40_000 })).toEqual([422, '/body/timeoutMs'])
    expect(await paths({ secret: 'whsec_nonsense' })).toEqual([422, '/body/secret'])
    expect((await call('GET', 'webhooks/subscriptions?cursor=%00')).status).toBe(400)
  })
}

describeDatabases('what nobody should ask of webhooks', suite)

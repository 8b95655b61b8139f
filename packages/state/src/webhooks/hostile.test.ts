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
    expect(await replay({ from: leap })).toMatchObject({ status: 422 })
    expect((await replay({ from: leap })).body.detail).toContain('from')
    const to = await replay({ from: '2025-11-10T10:00:00Z', to: leap })
    expect(to).toMatchObject({ status: 422 })
    expect(to.body.detail).toContain('to')
    const turned = await replay({ from: '2025-11-10T10:00:00Z', to: '2025-11-09T10:00:00Z' })
    expect(turned).toMatchObject({ status: 422 })
  })
}

describeDatabases('what nobody should ask of webhooks', suite)

import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import type { Delivery, Subscription } from '@potok/contracts/webhook'
import { verifySignature } from '@potok/contracts/webhook-signature'
import events, { type NewEvent } from '../events/index.ts'
import { startReceiver, type Receipt } from '../testing/receiver.ts'
import { createService, key, type ServiceOptions } from '../testing/service.ts'
import webhooks, { type WebhooksOptions } from './index.ts'

interface Options extends ServiceOptions {
  webhooks?: Partial<WebhooksOptions>
}

async function build(options: Options = {}) {
  const service = await createService(options)
  const { app } = service
  await app.register(events, { retentionDays: 30, maxStreams: 4 })
  await app.register(webhooks, {
    timeoutMs: 30_000,
    maxRetries: 3,
    retryDelayMs: 5000,
    maxFailures: 10,
    production: false,
    concurrency: 64,
    retentionDays: 30,
    pollMs: 20,
    freshMs: 0,
    rampMs: 0,
    ...options.webhooks,
  })
  await app.ready()
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  const call = async <T>(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
  ) => {
    const answer = await app.inject({
      method,
      url: `/api/v1/webhooks${path}`,
      headers: key,
      ...(body === undefined ? {} : { body }),
    })
    return {
      status: answer.statusCode,
      body: (answer.body === '' ? undefined : answer.json()) as T,
    }
  }
  const subscribe = async (body: object) => {
    const { status, body: made } = await call<Subscription>('POST', '/subscriptions', {
      events: ['*'],
      ...body,
    })
    expect(status).toBe(201)
    return made
  }
  const deliveries = async (id: string) =>
    (await call<{ items: Delivery[] }>('GET', `/subscriptions/${id}/deliveries`)).body.items
  const raise = (...given: NewEvent[]) => app.store.write((trx) => app.events.append(trx, given))
  return { ...service, call, subscribe, deliveries, raise }
}

const change = (id: string, version: number, metadata: Record<string, unknown> = {}): NewEvent => ({
  event: version === 1 ? 'entity.created' : 'entity.updated',
  timestampMs: 1_700_000_000_000 + version,
  data: {
    entity: 'task',
    id,
    previousStatus: version === 1 ? null : 'created',
    newStatus: 'created',
    metadata,
    version,
    actor: 'user:u1',
    reason: null,
    correlationId: 'corr-1',
  },
})

const header = (receipt: Receipt | undefined, name: string): string => {
  const value = receipt?.headers[name]
  return typeof value === 'string' ? value : ''
}

test('an event is delivered with the payload, the headers and both signatures of the contract', async () => {
  const { subscribe, raise } = await build()
  const receiver = await startReceiver()
  const secret = 'your-webhook-secret'
  await subscribe({ url: receiver.url, secret })

  await raise(change('task_123', 1, { title: 'Отчёт' }))
  await expect.poll(() => receiver.receipts).toHaveLength(1)

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
  const verified = new Webhook(secret, { format: 'raw' }).verify(body, {
    'webhook-id': header(receipt, 'webhook-id'),
    'webhook-timestamp': header(receipt, 'webhook-timestamp'),
    'webhook-signature': header(receipt, 'webhook-signature'),
  })
  expect(verified).toEqual(payload)
  expect(header(receipt, 'webhook-id')).toBe(payload['id'])
  expect(header(receipt, 'x-webhook-event')).toBe('entity.created')
  expect(header(receipt, 'x-webhook-attempt')).toBe('1')
  expect(header(receipt, 'x-webhook-delivery')).toMatch(/^dlv_[0-9a-f]{24}$/u)
  expect(header(receipt, 'x-correlation-id')).toBe('corr-1')
  expect(header(receipt, 'user-agent')).toBe('Potok-Webhooks/1.0.0')
  expect(header(receipt, 'content-type')).toBe('application/json; charset=utf-8')
})

import type { Delivery, Subscription } from '@potok/contracts/webhook'
import events, { type EventsOptions, type NewEvent } from '../events/index.ts'
import webhooks, { type WebhooksOptions } from '../webhooks/index.ts'
import { webhookOptions } from '../plugin-options.ts'
import { createService, type ServiceOptions } from './service.ts'
import { callerOf } from './state-service.ts'

export interface WebhookServiceOptions extends ServiceOptions {
  webhooks?: Partial<WebhooksOptions>
  events?: Partial<EventsOptions>
}

/** Events and webhooks without states over them, with the defaults of the contract and eager polling. */
export async function createWebhookService(options: WebhookServiceOptions = {}) {
  const { app, config } = await createService(options)
  await app.register(events, { retentionDays: 30, maxStreams: 4, ...options.events })
  await app.register(webhooks, {
    ...webhookOptions(config),
    concurrency: 64,
    pollMs: 20,
    freshMs: 0,
    rampMs: 0,
    ...options.webhooks,
  })
  await app.ready()
  const call = callerOf(app)
  return {
    app,
    call,
    subscribe: async (body: object): Promise<Subscription> => {
      const given = { events: ['*'], ...body }
      const { status, body: made } = await call('POST', 'webhooks/subscriptions', given)
      if (status !== 201) throw new Error(`No subscription: ${JSON.stringify(made)}`)
      return made
    },
    subscription: async (id: string): Promise<Subscription> =>
      (await call('GET', `webhooks/subscriptions/${id}`)).body,
    deliveries: async (id: string, query = ''): Promise<Delivery[]> => {
      const { body } = await call('GET', `webhooks/subscriptions/${id}/deliveries${query}`)
      return body.items
    },
    /** Appends events as a change of states would. */
    raise: (...given: NewEvent[]) => app.store.write((trx) => app.events.append(trx, given)),
  }
}

/** The event of one version of a task. */
export const change = (
  id: string,
  version: number,
  more: { metadata?: Record<string, unknown>; from?: string; to?: string } = {},
): NewEvent => ({
  event: version === 1 ? 'entity.created' : 'entity.updated',
  timestampMs: 1_700_000_000_000 + version,
  data: {
    entity: 'task',
    id,
    previousStatus: more.from ?? (version === 1 ? null : 'created'),
    newStatus: more.to ?? 'created',
    metadata: more.metadata ?? {},
    version,
    actor: 'user:u1',
    reason: null,
    correlationId: 'corr-1',
  },
})

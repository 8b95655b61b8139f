/** The switches: faults, limits, what the bot asked, what was pushed, and back to the beginning. */
import { Type } from '@sinclair/typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ApiFault, DeliveryFaults } from '../platform/faults.ts'
import type { Platform, PlatformOption } from '../platform/platform.ts'
import { RawUpdate, RequestsQuery, Reset, Switches } from './schemas.ts'
import { connectionView } from './views.ts'

const DeliveryChange = Type.Partial(DeliveryFaults, { additionalProperties: false })

export const faultRoutes: FastifyPluginAsyncTypebox<PlatformOption> = async (app, { platform }) => {
  const { faults } = platform
  const show = () => ({ delivery: faults.delivery, api: faults.api })

  app.get('/faults', show)

  app.patch('/faults/delivery', { schema: { body: DeliveryChange } }, (request) => {
    faults.setDelivery(request.body)
    return show()
  })

  app.post('/faults/api', { schema: { body: ApiFault } }, async (request, reply) =>
    reply.code(201).send(faults.arm(request.body)),
  )

  app.delete('/faults', () => {
    faults.clear()
    return show()
  })

  app.patch('/limits', { schema: { body: Switches } }, (request) => {
    platform.limits.enabled = request.body.rateLimits
    return request.body
  })
}

export const observationRoutes: FastifyPluginAsyncTypebox<PlatformOption> = async (
  app,
  { platform },
) => {
  const { requests, deliveries, subscriptions } = platform

  app.get('/status', () => connectionView(platform))

  app.get('/requests', { schema: { querystring: RequestsQuery } }, (request) =>
    requests.list(request.query),
  )

  app.delete('/requests', async (_request, reply) => {
    requests.clear()
    return reply.code(204).send()
  })

  app.get('/deliveries', () => ({
    pending: deliveries.pending,
    dropped: deliveries.dropped,
    attempts: deliveries.list(),
  }))

  app.get('/conformance', () => ({
    checked: platform.conformance.checked,
    violations: platform.conformance.violations(),
  }))

  app.get('/subscriptions', () =>
    subscriptions.list().map(({ url, time, updateTypes }) => ({ url, time, updateTypes })),
  )

  // As the platform was seen to do: they are gone and nobody is told.
  app.delete('/subscriptions', async (_request, reply) => {
    dropSubscriptions(platform)
    return reply.code(204).send()
  })

  app.post('/updates', { schema: { body: RawUpdate } }, async (request, reply) => {
    const { chat_id: chat = 0, timestamp = platform.clock.now() } = request.body
    platform.updates.inject({ ...request.body, timestamp }, chat)
    return reply.code(202).send({ accepted: true })
  })

  app.post('/reset', { schema: { body: Reset } }, (request) => {
    platform.reset({ subscriptions: request.body.subscriptions ?? false })
    return { reset: true }
  })
}

function dropSubscriptions({ subscriptions, deliveries, changes }: Platform): void {
  for (const { url } of subscriptions.list()) deliveries.forget(url)
  subscriptions.clear()
  changes.tell({ kind: 'connection' })
}

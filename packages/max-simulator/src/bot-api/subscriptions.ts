/** Webhook subscriptions. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { QueryResult } from '../platform/wire.ts'
import type { PlatformOption } from '../platform/platform.ts'
import { Subscribe, UrlQuery } from './schemas.ts'

export const subscriptionRoutes: FastifyPluginAsyncTypebox<PlatformOption> = async (
  app,
  { platform },
) => {
  const { subscriptions, deliveries, changes } = platform

  app.get('/subscriptions', () => ({
    subscriptions: subscriptions
      .list()
      .map(({ url, time, updateTypes }) => ({ url, time, update_types: updateTypes })),
  }))

  app.post('/subscriptions', { schema: { body: Subscribe } }, ({ body }) => {
    const result = subscriptions.add(body)
    deliveries.forget(body.url)
    changes.tell({ kind: 'connection' })
    return result
  })

  app.delete(
    '/subscriptions',
    { schema: { querystring: UrlQuery } },
    ({ query: { url } }): QueryResult => {
      const removed = subscriptions.remove(url)
      deliveries.forget(url)
      changes.tell({ kind: 'connection' })
      return removed ? { success: true } : { success: false, message: `No subscription to ${url}` }
    },
  )
}

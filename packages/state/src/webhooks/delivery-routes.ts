import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Problem } from '@potok/contracts/problem'
import { Delivery } from '@potok/contracts/webhook'
import type { Deliveries } from './deliveries.ts'
import type { Replay } from './replay.ts'
import {
  DeliveryPage,
  DeliveryParams,
  DeliveryQuery,
  ReplayAnswer,
  ReplayBody,
  SubscriptionParams,
} from './schemas.ts'
import { spanOf } from './span.ts'
import type { SubscriptionList } from './subscription-list.ts'

export interface DeliveryRoutesOptions {
  deliveries: Deliveries
  replay: Replay
  list: SubscriptionList
}

type Routes = FastifyPluginAsyncTypebox<DeliveryRoutesOptions>

const tags = ['webhooks']

const read: Routes = async (app, { deliveries, list }) => {
  const onRequest = app.requireApiKey
  app.get(
    '/subscriptions/:id/deliveries',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Deliveries of a subscription: those on their way, then the log, newest first',
        params: SubscriptionParams,
        querystring: DeliveryQuery,
        response: { 200: DeliveryPage, '4xx': Problem },
      },
    },
    async ({ params: { id }, query }) => {
      await list.find(id)
      return deliveries.list(id, query)
    },
  )
  app.get(
    '/deliveries/:id',
    {
      onRequest,
      schema: {
        tags,
        summary: 'One delivery with its attempts, and why it is where it is',
        params: DeliveryParams,
        response: { 200: Delivery, '4xx': Problem },
      },
    },
    (request) => deliveries.find(request.params.id),
  )
}

const again: Routes = async (app, { deliveries, replay }) => {
  const onRequest = app.requireApiKey
  app.post(
    '/deliveries/:id/redeliver',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Send a finished delivery again',
        params: DeliveryParams,
        response: { 202: Delivery, '4xx': Problem },
      },
    },
    async ({ id: correlationId, params: { id } }, reply) => {
      await replay.redeliver(id, correlationId)
      return reply.code(202).send(await deliveries.find(id))
    },
  )
  app.post(
    '/subscriptions/:id/replay',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Send again what came up in a span of time',
        params: SubscriptionParams,
        body: ReplayBody,
        response: { 202: ReplayAnswer, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const span = spanOf(request.body)
      return reply.code(202).send(await replay.replay(request.params.id, span, request.id))
    },
  )
}

export const deliveryRoutes: Routes = async (app, { deliveries, replay, list }) => {
  await app.register(read, { deliveries, replay, list })
  await app.register(again, { deliveries, replay, list })
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { Problem } from '@potok/contracts/problem'
import { Subscription, SubscriptionChange } from '@potok/contracts/webhook'
import { dryRun } from './dry-run.ts'
import type { createPing } from './ping.ts'
import {
  CreateQuery,
  DryRun,
  ListQuery,
  PingAnswer,
  RotateBody,
  SubscriptionBody,
  SubscriptionPage,
  SubscriptionParams,
} from './schemas.ts'
import type { SubscriptionList } from './subscription-list.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface SubscriptionRoutesOptions {
  subscriptions: Subscriptions
  list: SubscriptionList
  ping: ReturnType<typeof createPing>
}

type Routes = FastifyPluginAsyncTypebox<SubscriptionRoutesOptions>

const tags = ['webhooks']
const params = SubscriptionParams

const create: Routes = async (app, { subscriptions, list }) => {
  app.post(
    '',
    {
      onRequest: app.requireApiKey,
      schema: {
        tags,
        summary: 'Subscribe to events',
        description:
          'With an `externalId` the call is idempotent: the same caller’s subscription of that id is brought to ' +
          'what is given, and active again (200). A secret that is made up is in the answer, once.',
        querystring: CreateQuery,
        body: SubscriptionBody,
        response: { 200: Type.Union([Subscription, DryRun]), 201: Subscription, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const { body, query, caller } = request
      if (query.dryRun === true) {
        subscriptions.check(body)
        return dryRun(app.events, body)
      }
      const { row, created, secret } = await subscriptions.create(body, caller.actor)
      if (created) reply.code(201).header('location', `${request.url.split('?')[0]}/${row.id}`)
      return list.show(row, secret)
    },
  )
}

const read: Routes = async (app, { list }) => {
  const onRequest = app.requireApiKey
  app.get(
    '',
    {
      onRequest,
      schema: {
        tags,
        summary: 'All subscriptions',
        querystring: ListQuery,
        response: { 200: SubscriptionPage, '4xx': Problem },
      },
    },
    (request) => list.page(request.query.limit, request.query.cursor),
  )
  app.get(
    '/:id',
    {
      onRequest,
      schema: {
        tags,
        summary: 'One subscription with its status',
        params,
        response: { 200: Subscription, '4xx': Problem },
      },
    },
    (request) => list.find(request.params.id),
  )
}

const change: Routes = async (app, { subscriptions, list }) => {
  const onRequest = app.requireApiKey
  app.patch(
    '/:id',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Change a subscription',
        description: '`active: true` re-activates: what was held goes out, slowly at first.',
        params,
        body: Type.Unsafe<(typeof SubscriptionChange)['static']>({
          ...SubscriptionChange,
          examples: [{ active: true }],
        }),
        response: { 200: Subscription, '4xx': Problem },
      },
    },
    async ({ params: { id }, body, caller }) =>
      list.show(await subscriptions.change(id, body, caller.actor)),
  )
  app.delete(
    '/:id',
    {
      onRequest,
      schema: {
        tags,
        summary: 'End a subscription and cancel its deliveries',
        params,
        response: { 204: Type.Null(), '4xx': Problem },
      },
    },
    async (request, reply) => {
      await subscriptions.remove(request.params.id)
      return reply.code(204).send(null)
    },
  )
}

const secrets: Routes = async (app, { subscriptions, list }) => {
  const onRequest = app.requireApiKey
  app.post(
    '/:id/rotate-secret',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Put a new secret in place',
        description:
          'For the grace time the Standard Webhooks header carries both signatures, X-Webhook-Signature the old one.',
        params,
        body: RotateBody,
        response: { 200: Subscription, '4xx': Problem },
      },
    },
    async ({ params: { id }, body }) => {
      const { row, secret } = await subscriptions.rotate(id, body)
      return list.show(row, secret)
    },
  )
  app.post(
    '/:id/rotate-secret/finish',
    {
      onRequest,
      schema: {
        tags,
        summary: 'End the grace time of the old secret',
        params,
        response: { 200: Subscription, '4xx': Problem },
      },
    },
    async (request) => list.show(await subscriptions.finishRotation(request.params.id)),
  )
}

const test: Routes = async (app, { ping }) => {
  app.post(
    '/:id/test',
    {
      onRequest: app.requireApiKey,
      schema: {
        tags,
        summary: 'Send a webhook.ping and see what comes back',
        description: 'Takes up to 8 seconds. Works for a deactivated subscription too.',
        params,
        response: { 200: PingAnswer, '4xx': Problem },
      },
    },
    (request) => ping(request.params.id, request.id),
  )
}

export const subscriptionRoutes: Routes = async (app, { subscriptions, list, ping }) => {
  const parts = { subscriptions, list, ping }
  for (const part of [create, read, change, secrets, test]) await app.register(part, parts)
}

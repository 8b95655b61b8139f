import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyReply } from 'fastify'
import { Problem } from '@potok/contracts/problem'
import { Subscription, SubscriptionChange } from '@potok/contracts/webhook'
import type { Answer } from '../idempotency/index.ts'
import { dryRun } from './dry-run.ts'
import type { createPing } from './ping.ts'
import {
  CreateAnswer,
  CreateQuery,
  KeyHeaders,
  PingAnswer,
  RotateBody,
  SubscriptionBody,
  SubscriptionPage,
  SubscriptionParams,
  SubscriptionQuery,
  SubscriptionText,
} from './schemas.ts'
import type { SubscriptionList } from './subscription-list.ts'
import type { Made, Subscriptions } from './subscriptions.ts'

export interface SubscriptionRoutesOptions {
  subscriptions: Subscriptions
  list: SubscriptionList
  ping: ReturnType<typeof createPing>
}

type Routes = FastifyPluginAsyncTypebox<SubscriptionRoutesOptions>

const tags = ['webhooks']

/** Sends what is JSON text already; only the documentation has to know its schema. */
function sendAnswer(reply: FastifyReply, { status, location, body = '' }: Answer): FastifyReply {
  if (location !== undefined) reply.header('location', location)
  return reply.code(status).type('application/json; charset=utf-8').send(body)
}

type Present = Awaited<ReturnType<SubscriptionList['presenter']>>

/** @param collection the URL of all subscriptions, for one that was made */
const answering =
  (present: Present, collection = '') =>
  ({ row, created, secret }: Made): Answer => ({
    status: created ? 201 : 200,
    ...(created ? { location: `${collection.split('?', 1)[0]}/${row.id}` } : {}),
    body: JSON.stringify(present(row, secret)),
  })

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
        headers: KeyHeaders,
        response: { 200: CreateAnswer, 201: SubscriptionText, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const { body, caller } = request
      if (request.query.dryRun === true) {
        subscriptions.check(body)
        return sendAnswer(reply, { status: 200, body: await dryRun(app.events, body) })
      }
      const { actor } = caller
      const present = await list.presenter({ actor, externalId: body.externalId })
      const answer = answering(present, request.url)
      const claim = app.idempotency.claim(request)
      return sendAnswer(reply, await subscriptions.create(body, { actor, claim, answer }))
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
        querystring: SubscriptionQuery,
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
        headers: KeyHeaders,
        response: { 200: SubscriptionText, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const {
        params: { id },
        body,
        caller: { actor },
      } = request
      const answer = answering(await list.presenter({ id }))
      const claim = app.idempotency.claim(request)
      return sendAnswer(reply, await subscriptions.rotate(id, body, { actor, claim, answer }))
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

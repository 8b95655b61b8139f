import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Problem } from '@potok/contracts/problem'
import type { EventReader } from './reader.ts'
import type { Publisher } from './publish.ts'
import {
  LogAnswer,
  LogQuery,
  PublishAnswer,
  PublishBody,
  PublishHeaders,
  StreamAnswer,
  StreamHeaders,
  StreamQuery,
} from './schemas.ts'

export interface EventRoutesOptions {
  reader: EventReader
  publish: Publisher
}

const tags = ['events']

type Routes = FastifyPluginAsyncTypebox<EventRoutesOptions>

const logRoutes: Routes = async (app, { reader, publish }) => {
  const onRequest = app.requireApiKey

  app.post(
    '',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Publish a custom event',
        body: PublishBody,
        headers: PublishHeaders,
        response: { 201: PublishAnswer, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const claim = app.idempotency.claim(request)
      const { status, body = '' } = await publish(request.body, request.id, claim)
      return reply.code(status).type('application/json').serializer(String).send(body)
    },
  )

  app.get(
    '',
    {
      onRequest,
      schema: {
        tags,
        summary: 'The event log, in log order',
        querystring: LogQuery,
        response: { 200: LogAnswer, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const page = await reader.page(request.query)
      return reply.type('application/json').serializer(String).send(page)
    },
  )
}

const streamRoute: Routes = async (app, { reader }) => {
  app.get(
    '/stream',
    {
      onRequest: app.requireApiKey,
      // A HEAD would open a stream that nobody reads.
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'Follow the event log as Server-Sent Events',
        description:
          '`id:` is the cursor; `Last-Event-ID` goes on without loss or duplicate. Without a cursor the stream begins ' +
          'with the next event. The event `reset` says that the cursor cannot be continued: reload, and go on.',
        produces: ['text/event-stream'],
        querystring: StreamQuery,
        headers: StreamHeaders,
        response: { 200: StreamAnswer, '4xx': Problem, 503: Problem },
      },
    },
    async (request, reply) => {
      const { after, entity } = request.query
      const stream = await reader.open({ after: request.headers['last-event-id'] ?? after, entity })
      return reply
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .type('text/event-stream')
        .send(stream)
    },
  )
}

export const routes: Routes = async (app, { reader, publish }) => {
  await app.register(logRoutes, { reader, publish })
  await app.register(streamRoute, { reader, publish })
}

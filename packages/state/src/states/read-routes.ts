import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { entityTag, isKnown } from '@potok/core/lib/precondition'
import type { createCachedReads } from './cached-reads.ts'
import type { createQueries } from './queries.ts'
import { queryFromJson } from './query.ts'
import type { createReads } from './reads.ts'
import { historySchema, listSchema, oneSchema, querySchema, transitionsSchema } from './schemas.ts'
import { sendAnswer, sendJson } from './send-answer.ts'
import { historyPageJson } from './state-row.ts'

export interface ReadRoutesOptions {
  reads: ReturnType<typeof createReads>
  queries: ReturnType<typeof createQueries>
  cached: ReturnType<typeof createCachedReads>
}

export const readRoutes: FastifyPluginAsyncTypebox<ReadRoutesOptions> = async (
  app,
  { reads, queries, cached },
) => {
  const onRequest = app.requireApiKey

  app.get('/:entity', { onRequest, schema: listSchema }, async (request, reply) => {
    const { params, query, headers } = request
    const { body, level } = await cached.list(params.entity, query, headers)
    if (level !== undefined) reply.header('x-cache', level)
    return sendJson(reply, body)
  })

  app.post('/query', { onRequest, schema: querySchema }, async ({ body }, reply) =>
    sendJson(reply, await queries.page(queryFromJson(body))),
  )

  app.get('/:entity/:id', { onRequest, schema: oneSchema }, async (request, reply) => {
    const { params, query, headers } = request
    const { version, body, level } = await cached.one(params, query, headers)
    if (level !== undefined) reply.header('x-cache', level)
    const etag = entityTag(version)
    if (isKnown(headers['if-none-match'], version)) return sendAnswer(reply, { status: 304, etag })
    return sendAnswer(reply, { status: 200, etag, body })
  })

  app.get('/:entity/:id/history', { onRequest, schema: historySchema }, async (request, reply) => {
    const { params, query } = request
    return sendJson(reply, historyPageJson(await reads.history(params.entity, params.id, query)))
  })

  app.get('/:entity/:id/transitions', { onRequest, schema: transitionsSchema }, async (request) =>
    reads.transitions(request.params.entity, request.params.id),
  )
}

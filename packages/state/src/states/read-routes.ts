import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { entityTag, isKnown } from '@potok/core/lib/precondition'
import type { createQueries } from './queries.ts'
import { queryFromJson, queryFromUrl } from './query.ts'
import type { createReads } from './reads.ts'
import { historySchema, listSchema, oneSchema, querySchema, transitionsSchema } from './schemas.ts'
import { sendAnswer, sendJson } from './send-answer.ts'
import { historyPageJson, stateJson } from './state-row.ts'

export interface ReadRoutesOptions {
  reads: ReturnType<typeof createReads>
  queries: ReturnType<typeof createQueries>
}

export const readRoutes: FastifyPluginAsyncTypebox<ReadRoutesOptions> = async (
  app,
  { reads, queries },
) => {
  const onRequest = app.requireApiKey

  app.get('/:entity', { onRequest, schema: listSchema }, async ({ params, query }, reply) =>
    sendJson(reply, await queries.page(queryFromUrl(params.entity, query))),
  )

  app.post('/query', { onRequest, schema: querySchema }, async ({ body }, reply) =>
    sendJson(reply, await queries.page(queryFromJson(body))),
  )

  app.get('/:entity/:id', { onRequest, schema: oneSchema }, async (request, reply) => {
    const { params, query, headers } = request
    const row = await reads.one(params.entity, params.id, query)
    const etag = entityTag(row.version)
    if (isKnown(headers['if-none-match'], row.version)) {
      return sendAnswer(reply, { status: 304, etag })
    }
    return sendAnswer(reply, { status: 200, etag, body: stateJson(row) })
  })

  app.get('/:entity/:id/history', { onRequest, schema: historySchema }, async (request, reply) => {
    const { params, query } = request
    return sendJson(reply, historyPageJson(await reads.history(params.entity, params.id, query)))
  })

  app.get('/:entity/:id/transitions', { onRequest, schema: transitionsSchema }, async (request) =>
    reads.transitions(request.params.entity, request.params.id),
  )
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Problem } from '@potok/contracts/problem'
import { State, Transitions } from '@potok/contracts/state'
import { entityTag, isKnown } from '@potok/core/lib/precondition'
import { Type } from '@sinclair/typebox'
import { refuse, timeOf } from './condition.ts'
import type { createQueries } from './queries.ts'
import { queryFromJson, queryFromUrl } from './query.ts'
import type { createReads } from './reads.ts'
import {
  EntityParams,
  HistoryPage,
  HistoryPageQuery,
  ListQuery,
  OneQuery,
  QueryBody,
  ReadHeaders,
  StateParams,
  StatePage,
} from './schemas.ts'
import { sendAnswer, sendJson } from './send-answer.ts'
import { historyJson, stateJson } from './state-row.ts'

export interface ReadRoutesOptions {
  reads: ReturnType<typeof createReads>
  queries: ReturnType<typeof createQueries>
}

const tags = ['states']
const refusals = { '4xx': Problem, 503: Problem }

export const readRoutes: FastifyPluginAsyncTypebox<ReadRoutesOptions> = async (
  app,
  { reads, queries },
) => {
  const onRequest = app.requireApiKey

  app.get(
    '/:entity',
    {
      onRequest,
      schema: {
        tags,
        summary: 'The states of an entity type',
        description: 'Besides the parameters listed, `metadata.<path>=value` selects by metadata.',
        params: EntityParams,
        querystring: ListQuery,
        response: { 200: StatePage, ...refusals },
      },
    },
    async ({ params, query }, reply) =>
      sendJson(reply, await queries.page(queryFromUrl(params.entity, query))),
  )

  app.post(
    '/query',
    {
      onRequest,
      schema: {
        tags,
        summary: 'The query language as a JSON body',
        body: QueryBody,
        response: { 200: StatePage, ...refusals },
      },
    },
    async ({ body }, reply) => sendJson(reply, await queries.page(queryFromJson(body))),
  )

  app.get(
    '/:entity/:id',
    {
      onRequest,
      schema: {
        tags,
        summary: 'One state, as it is or as it was',
        params: StateParams,
        querystring: OneQuery,
        headers: ReadHeaders,
        response: { 200: State, 304: Type.Null({ description: 'Not modified' }), ...refusals },
      },
    },
    async ({ params: { entity, id }, query: { at, version }, headers }, reply) => {
      if (at !== undefined && version !== undefined) {
        refuse('/querystring/version', 'cannot be combined with at')
      }
      const row =
        at !== undefined
          ? await reads.at(entity, id, timeOf(at, '/querystring/at'))
          : version !== undefined
            ? await reads.inVersion(entity, id, version)
            : await reads.one(entity, id)
      const etag = entityTag(row.version)
      if (isKnown(headers['if-none-match'], row.version)) {
        return sendAnswer(reply, { status: 304, etag })
      }
      return sendAnswer(reply, { status: 200, etag, body: stateJson(row) })
    },
  )

  app.get(
    '/:entity/:id/history',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Every version of a state, also of a deleted one',
        params: StateParams,
        querystring: HistoryPageQuery,
        response: { 200: HistoryPage, ...refusals },
      },
    },
    async ({ params: { entity, id }, query: { order, limit, cursor } }, reply) => {
      const after = cursor === undefined ? {} : { cursor: Number(cursor) }
      const { rows, nextCursor } = await reads.history(entity, id, { order, limit, ...after })
      const next = nextCursor === undefined ? '' : `,"nextCursor":"${nextCursor}"`
      return sendJson(reply, `{"items":[${rows.map(historyJson).join(',')}]${next}}`)
    },
  )

  app.get(
    '/:entity/:id/transitions',
    {
      onRequest,
      schema: {
        tags,
        summary: 'What may come next, and why the rest may not',
        params: StateParams,
        response: { 200: Transitions, ...refusals },
      },
    },
    async ({ params: { entity, id } }) => reads.transitions(entity, id),
  )
}

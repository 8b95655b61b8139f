import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Problem } from '@potok/contracts/problem'
import { State, StateChange, StateUpsert } from '@potok/contracts/state'
import { Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import { runBatch } from './batch.ts'
import type { By, Command } from './command.ts'
import {
  BatchAnswer,
  BatchBody,
  DeleteQuery,
  EntityParams,
  HeartbeatBody,
  KeyHeaders,
  StateParams,
  WriteHeaders,
} from './schemas.ts'
import { sendAnswer } from './send-answer.ts'
import type { createStates } from './states.ts'
import type { Writer } from './writer.ts'

export interface WriteRoutesOptions {
  states: ReturnType<typeof createStates>
  writer: Writer
}

const tags = ['states']
const refusals = { '4xx': Problem, 503: Problem }

function byOf({ caller, id }: FastifyRequest): By {
  return { actor: caller.actor, scope: caller.scope, correlationId: id }
}

function conditionsOf({ headers }: FastifyRequest): Pick<Command, 'conditions'> {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers
  return { conditions: { ifMatch, ifNoneMatch } }
}

export const writeRoutes: FastifyPluginAsyncTypebox<WriteRoutesOptions> = async (
  app,
  { states, writer },
) => {
  const onRequest = app.requireApiKey
  const { claim, once } = app.idempotency

  app.post(
    '/:entity',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Create a state, or change the one that exists',
        description:
          'Of an existing state, status and metadata that are absent stay as they are; metadata that are present ' +
          'replace the old ones. A write that changes nothing makes no version, no history and no event.',
        params: EntityParams,
        headers: WriteHeaders,
        body: StateUpsert,
        response: { 200: State, 201: State, ...refusals },
      },
    },
    async (request, reply) => {
      const { entity } = request.params
      const command = { op: 'upsert', entity, ...request.body, ...conditionsOf(request) } as const
      return sendAnswer(reply, await states.write(command, byOf(request), claim(request)))
    },
  )

  app.put(
    '/:entity/:id',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Change a state; metadata are replaced',
        params: StateParams,
        headers: WriteHeaders,
        body: StateChange,
        response: { 200: State, ...refusals },
      },
    },
    async (request, reply) => {
      const { entity, id: entityId } = request.params
      const key = { op: 'update', entity, entityId } as const
      const command = { ...key, ...request.body, ...conditionsOf(request) }
      return sendAnswer(reply, await states.write(command, byOf(request), claim(request)))
    },
  )

  app.patch(
    '/:entity/:id',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Change a state; metadata are merged (RFC 7396)',
        params: StateParams,
        headers: WriteHeaders,
        body: StateChange,
        response: { 200: State, ...refusals },
      },
    },
    async (request, reply) => {
      const { entity, id: entityId } = request.params
      const key = { op: 'patch', entity, entityId } as const
      const command = { ...key, ...request.body, ...conditionsOf(request) }
      return sendAnswer(reply, await states.write(command, byOf(request), claim(request)))
    },
  )

  app.delete(
    '/:entity/:id',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Delete a state; its history stays readable',
        params: StateParams,
        querystring: DeleteQuery,
        headers: WriteHeaders,
        response: { 204: Type.Null({ description: 'Deleted' }), ...refusals },
      },
    },
    async (request, reply) => {
      const { entity, id: entityId } = request.params
      const key = { op: 'delete', entity, entityId } as const
      const command = { ...key, reason: request.query.reason, ...conditionsOf(request) }
      return sendAnswer(reply, await states.write(command, byOf(request), claim(request)))
    },
  )

  app.post(
    '/:entity/:id/heartbeat',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Give a sign of life: the expiry moves on, the version stays',
        params: StateParams,
        headers: WriteHeaders,
        body: HeartbeatBody,
        response: { 200: State, ...refusals },
      },
    },
    async (request, reply) => {
      const { entity, id: entityId } = request.params
      const key = { op: 'heartbeat', entity, entityId } as const
      const command = { ...key, ...request.body, ...conditionsOf(request) }
      return sendAnswer(reply, await states.write(command, byOf(request), claim(request)))
    },
  )

  app.post(
    '/batch',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Up to 1000 writes in one transaction',
        params: Type.Object({}),
        headers: KeyHeaders,
        body: BatchBody,
        response: { 200: BatchAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const by = byOf(request)
      const answer = await states.transact((trx) =>
        once(trx, claim(request), () => runBatch(writer, trx, request.body, by)),
      )
      return sendAnswer(reply, answer)
    },
  )
}

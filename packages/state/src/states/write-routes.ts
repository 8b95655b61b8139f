import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { runBatch } from './batch.ts'
import type { By, Command } from './command.ts'
import {
  batchSchema,
  deleteSchema,
  heartbeatSchema,
  patchSchema,
  putSchema,
  upsertSchema,
} from './schemas.ts'
import { sendAnswer } from './send-answer.ts'
import type { createStates } from './states.ts'
import type { Writer } from './writer.ts'

export interface WriteRoutesOptions {
  states: ReturnType<typeof createStates>
  writer: Writer
}

function byOf({ caller, id }: FastifyRequest): By {
  return { actor: caller.actor, scope: caller.scope, correlationId: id }
}

export const writeRoutes: FastifyPluginAsyncTypebox<WriteRoutesOptions> = async (
  app,
  { states, writer },
) => {
  const onRequest = app.requireApiKey
  const { idempotency } = app

  async function write(request: FastifyRequest, reply: FastifyReply, command: Command) {
    const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers
    const conditions = { ifMatch, ifNoneMatch }
    const claim = idempotency.claim(request)
    return sendAnswer(reply, await states.write({ ...command, conditions }, byOf(request), claim))
  }

  app.post('/:entity', { onRequest, schema: upsertSchema }, async (request, reply) =>
    write(request, reply, { op: 'upsert', entity: request.params.entity, ...request.body }),
  )

  app.put('/:entity/:id', { onRequest, schema: putSchema }, async (request, reply) => {
    const { entity, id: entityId } = request.params
    return write(request, reply, { op: 'update', entity, entityId, ...request.body })
  })

  app.patch('/:entity/:id', { onRequest, schema: patchSchema }, async (request, reply) => {
    const { entity, id: entityId } = request.params
    return write(request, reply, { op: 'patch', entity, entityId, ...request.body })
  })

  app.delete('/:entity/:id', { onRequest, schema: deleteSchema }, async (request, reply) => {
    const { entity, id: entityId } = request.params
    return write(request, reply, { op: 'delete', entity, entityId, ...request.query })
  })

  const heartbeat = { onRequest, schema: heartbeatSchema }
  app.post('/:entity/:id/heartbeat', heartbeat, async (request, reply) => {
    const { entity, id: entityId } = request.params
    return write(request, reply, { op: 'heartbeat', entity, entityId, ...request.body })
  })

  app.post('/batch', { onRequest, schema: batchSchema }, async (request, reply) => {
    const by = byOf(request)
    const claim = idempotency.claim(request)
    const answer = await states.transact((trx) =>
      idempotency.once(trx, claim, () => runBatch(writer, trx, request.body, by)),
    )
    return sendAnswer(reply, answer)
  })
}

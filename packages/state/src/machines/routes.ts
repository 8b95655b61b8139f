import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Machine } from '@potok/contracts/machine'
import { Problem } from '@potok/contracts/problem'
import { entityTag, isKnown } from '@potok/core/lib/precondition'
import { Type } from '@sinclair/typebox'
import type { Catalog } from './catalog.ts'
import { toMermaid } from './mermaid.ts'
import type { createReplacement } from './replacement.ts'
import {
  DryRun,
  MachineBody,
  MachineList,
  MachineParams,
  MachineQuery,
  PutHeaders,
  PutQuery,
  ReadHeaders,
} from './schemas.ts'

export interface MachineRoutesOptions {
  catalog: Catalog
  replacement: ReturnType<typeof createReplacement>
}

const tags = ['machines']

export const routes: FastifyPluginAsyncTypebox<MachineRoutesOptions> = async (
  app,
  { catalog, replacement },
) => {
  const onRequest = app.requireApiKey

  app.get(
    '/',
    {
      onRequest,
      schema: {
        tags,
        summary: 'The transition rules of every entity type',
        response: { 200: MachineList, '4xx': Problem },
      },
    },
    async () => ({ items: await catalog.list() }),
  )

  app.get(
    '/:entity',
    {
      onRequest,
      schema: {
        tags,
        summary: 'The transition rules in force for an entity type',
        params: MachineParams,
        querystring: MachineQuery,
        headers: ReadHeaders,
        response: {
          200: {
            content: {
              'application/json': { schema: Machine },
              'text/vnd.mermaid': { schema: Type.String() },
            },
          },
          304: Type.Null({ description: 'Not modified' }),
          '4xx': Problem,
        },
      },
    },
    async (request, reply) => {
      const { version, format } = request.query
      const machine = await catalog.get(request.params.entity, version)
      reply.header('etag', entityTag(machine.version))
      if (isKnown(request.headers['if-none-match'], machine.version))
        return reply.code(304).send(null)
      if (format !== 'mermaid') return machine
      return reply.type('text/vnd.mermaid; charset=utf-8').send(toMermaid(machine))
    },
  )

  app.put(
    '/:entity',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Put the rules of an entity type of your own into force',
        description:
          'Every change makes a new version; the version in force stands on every history row. ' +
          'Refused with 409 when stored entities have a status that the new rules do not know.',
        params: MachineParams,
        querystring: PutQuery,
        headers: PutHeaders,
        body: MachineBody,
        response: { 200: Type.Union([Machine, DryRun]), 201: Machine, '4xx': Problem },
      },
    },
    async (request, reply) => {
      const { entity } = request.params
      const { dryRun, force } = request.query
      if (dryRun) return replacement.dryRun(entity, request.body)
      const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers
      const { machine, created } = await replacement.put({
        ...{ entity, definition: request.body, actor: request.caller.actor, force },
        conditions: { ifMatch, ifNoneMatch },
      })
      reply.header('etag', entityTag(machine.version))
      return reply.code(created ? 201 : 200).send(machine)
    },
  )
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { entityTag, isKnown } from '@potok/core/lib/precondition'
import type { Catalog } from './catalog.ts'
import { toMermaid } from './mermaid.ts'
import type { createReplacement } from './replacement.ts'
import { getSchema, listSchema, putSchema } from './schemas.ts'

export interface MachineRoutesOptions {
  catalog: Catalog
  replacement: ReturnType<typeof createReplacement>
}

export const routes: FastifyPluginAsyncTypebox<MachineRoutesOptions> = async (
  app,
  { catalog, replacement },
) => {
  const onRequest = app.requireApiKey

  app.get('', { onRequest, schema: listSchema }, async () => ({ items: await catalog.list() }))

  app.get('/:entity', { onRequest, schema: getSchema }, async (request, reply) => {
    const { version, format } = request.query
    const machine = await catalog.get(request.params.entity, version)
    reply.header('etag', entityTag(machine.version))
    const given = request.headers['if-none-match']
    if (isKnown(given, machine.version)) return reply.code(304).send(null)
    if (format !== 'mermaid') return machine
    return reply.type('text/vnd.mermaid; charset=utf-8').send(toMermaid(machine))
  })

  app.put('/:entity', { onRequest, schema: putSchema }, async (request, reply) => {
    const { body: definition, params, query, caller } = request
    if (query.dryRun === true) return replacement.dryRun(params.entity, definition)
    const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers
    const conditions = { ifMatch, ifNoneMatch }
    const key = { entity: params.entity, actor: caller.actor, force: query.force === true }
    const { machine, created } = await replacement.put({ ...key, definition, conditions })
    reply.header('etag', entityTag(machine.version))
    return reply.code(created ? 201 : 200).send(machine)
  })
}

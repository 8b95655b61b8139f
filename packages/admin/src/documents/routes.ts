import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { entityTag, isKnown } from '@potok/core/lib/precondition'
import type { Documents } from './documents.ts'
import { operations } from './schemas.ts'

export const routes: FastifyPluginAsyncTypebox<{ documents: Documents }> = async (
  app,
  { documents },
) => {
  const onRequest = app.requireApiKey

  app.get('/:entity', { onRequest, schema: operations.list }, async (request) =>
    documents.list(request.params.entity, request.query),
  )
  app.post('/:entity', { onRequest, schema: operations.create }, async (request, reply) => {
    const { id, revision, document } = await documents.create(request.params.entity, request.body)
    reply.headers({ location: `${request.url.split('?', 1)[0]}/${id}`, etag: entityTag(revision) })
    return reply.code(201).send(document)
  })
  app.get('/:entity/:id', { onRequest, schema: operations.get }, async (request, reply) => {
    const { revision, document } = await documents.get(request.params)
    reply.header('etag', entityTag(revision))
    const known = isKnown(request.headers['if-none-match'], revision)
    return known ? reply.code(304).send(null) : reply.send(document)
  })
  app.put('/:entity/:id', { onRequest, schema: operations.put }, async (request, reply) => {
    const { params, headers, body } = request
    const given = { ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] }
    const { revision, document, created } = await documents.put(params, { ...body }, given)
    reply.header('etag', entityTag(revision))
    if (created) reply.header('location', request.url)
    return reply.code(created ? 201 : 200).send(document)
  })
  app.delete('/:entity/:id', { onRequest, schema: operations.remove }, async (request, reply) => {
    const given = { ifMatch: request.headers['if-match'] }
    await documents.remove(request.params, given, request.query.version)
    return reply.code(204).send(null)
  })
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { entityTag, isKnown } from '@potok/core/lib/precondition'
import type { AccessChanges } from './access-changes.ts'
import type { CredentialsCheck } from './credentials.ts'
import { operations } from './schemas.ts'
import type { Users } from './users.ts'

export interface RoutesOptions {
  users: Users
  accessChanges: Pick<AccessChanges, 'list'>
  credentials: CredentialsCheck
}

export const routes: FastifyPluginAsyncTypebox<RoutesOptions> = async (
  app,
  { users, accessChanges, credentials },
) => {
  const onRequest = app.requireApiKey
  const config = { self: true }

  app.post('', { onRequest, schema: operations.create }, async (request, reply) => {
    const user = await users.create(request.body)
    reply.headers({
      location: `${request.url.split('?', 1)[0]}/${user.id}`,
      etag: entityTag(user.version),
    })
    return reply.code(201).send(user)
  })
  app.get('', { onRequest, schema: operations.list }, async (request) => users.list(request.query))
  app.get(
    '/access-changes',
    // Asked every second by each gateway.
    { onRequest, config: { quiet: true, rateLimit: false }, schema: operations.accessChanges },
    async (request) => accessChanges.list(request.query),
  )
  app.get('/:id', { onRequest, config, schema: operations.get }, async (request, reply) => {
    const user = await users.get(request.params.id)
    reply.header('etag', entityTag(user.version))
    const known = isKnown(request.headers['if-none-match'], user.version)
    return known ? reply.code(304).send(null) : reply.send(user)
  })
  app.patch('/:id', { onRequest, schema: operations.change }, async (request, reply) => {
    const { params, body, headers } = request
    const user = await users.change(params.id, body, headers['if-match'])
    return reply.header('etag', entityTag(user.version)).send(user)
  })
  app.delete('/:id', { onRequest, schema: operations.remove }, async (request, reply) => {
    await users.remove(request.params.id, request.headers['if-match'])
    return reply.code(204).send(null)
  })
  app.post('/verify', { onRequest, schema: operations.verify }, async (request) =>
    credentials.verify(request.body),
  )
  app.post(
    '/:id/password',
    { onRequest, config, schema: operations.changePassword },
    async (request, reply) => {
      await credentials.changePassword(request.params.id, request.body)
      return reply.code(204).send(null)
    },
  )
}

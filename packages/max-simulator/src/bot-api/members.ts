/** Members and administrators of groups. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { BadPayload } from '../platform/errors.ts'
import type { PlatformOption } from '../platform/platform.ts'
import {
  AdminPath,
  Admins,
  ChatPath,
  MemberQuery,
  MembersQuery,
  numberOf,
  UserIds,
} from './schemas.ts'

const MAX_COUNT = 100
const DEFAULT_COUNT = 20

export const memberRoutes: FastifyPluginAsyncTypebox<PlatformOption> = async (
  app,
  { platform },
) => {
  const { membership } = platform
  const params = ChatPath

  app.get('/chats/:chatId/members/me', { schema: { params } }, (request) =>
    membership.own(Number(request.params.chatId)),
  )

  app.delete('/chats/:chatId/members/me', { schema: { params } }, (request) =>
    membership.leave(Number(request.params.chatId)),
  )

  app.get(
    '/chats/:chatId/members',
    { schema: { params, querystring: MembersQuery } },
    ({ params: { chatId }, query }) => {
      const userIds = query.user_ids?.split(',').map(Number)
      if (userIds !== undefined) return membership.some(Number(chatId), userIds)
      const count = numberOf(query.count) ?? DEFAULT_COUNT
      if (count < 1 || count > MAX_COUNT) {
        throw new BadPayload(`count: must be between 1 and ${MAX_COUNT}`)
      }
      return membership.page(Number(chatId), numberOf(query.marker) ?? 0, count)
    },
  )

  app.post('/chats/:chatId/members', { schema: { params, body: UserIds } }, (request) =>
    membership.add(Number(request.params.chatId), request.body.user_ids),
  )

  app.delete(
    '/chats/:chatId/members',
    { schema: { params, querystring: MemberQuery } },
    (request) => membership.remove(Number(request.params.chatId), Number(request.query.user_id)),
  )

  app.get('/chats/:chatId/members/admins', { schema: { params } }, (request) =>
    membership.admins(Number(request.params.chatId)),
  )

  app.post('/chats/:chatId/members/admins', { schema: { params, body: Admins } }, (request) =>
    membership.appoint(Number(request.params.chatId), request.body.admins),
  )

  app.delete(
    '/chats/:chatId/members/admins/:userId',
    { schema: { params: AdminPath } },
    (request) => membership.dismiss(Number(request.params.chatId), Number(request.params.userId)),
  )
}

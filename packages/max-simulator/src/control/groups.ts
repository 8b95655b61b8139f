/** Chats: the list, their messages, and what people do to groups. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Group } from '../platform/chats.ts'
import { ControlNotFound } from '../platform/errors.ts'
import type { PlatformOption } from '../platform/platform.ts'
import {
  BotMember,
  BotPermissions,
  ByUser,
  GroupPath,
  Limit,
  MemberPath,
  NewGroup,
  NewMember,
  Rename,
} from './schemas.ts'
import { chatView, messageView } from './views.ts'

const DEFAULT_MESSAGES = 100

const optionalNumber = (value: string | undefined): number | undefined =>
  value === undefined ? undefined : Number(value)

export const chatRoutes: FastifyPluginAsyncTypebox<PlatformOption> = async (app, { platform }) => {
  const { chats, messages } = platform

  app.get('/chats', () => chats.list().map((chat) => chatView(chat, platform)))

  app.get(
    '/chats/:chatId/messages',
    { schema: { params: GroupPath, querystring: Limit } },
    ({ params, query }) => {
      const chatId = Number(params.chatId)
      if (chats.find(chatId) === undefined) throw new ControlNotFound(`Chat ${chatId}`)
      const newest = messages.inChat(chatId).slice(-(Number(query.limit ?? DEFAULT_MESSAGES) || 1))
      return newest.map((message) => messageView(message, platform))
    },
  )
}

export const groupRoutes: FastifyPluginAsyncTypebox<PlatformOption> = async (app, { platform }) => {
  const { groups } = platform
  const params = GroupPath
  const show = (group: Group) => chatView(group, platform)

  app.post('/chats', { schema: { body: NewGroup } }, async (request, reply) =>
    reply.code(201).send(show(groups.create(request.body))),
  )

  app.patch('/chats/:chatId', { schema: { params, body: Rename } }, (request) => {
    const { title, userId } = request.body
    return show(groups.rename(Number(request.params.chatId), title, userId))
  })

  app.post('/chats/:chatId/members', { schema: { params, body: NewMember } }, (request) => {
    const { userId, inviterId } = request.body
    return show(groups.addMember(Number(request.params.chatId), userId, inviterId))
  })

  app.delete(
    '/chats/:chatId/members/:userId',
    { schema: { params: MemberPath, querystring: ByUser } },
    ({ params: { chatId, userId }, query }) =>
      show(groups.removeMember(Number(chatId), Number(userId), optionalNumber(query.userId))),
  )

  app.put('/chats/:chatId/bot', { schema: { params, body: BotMember } }, (request) => {
    const { permissions = [], userId } = request.body
    return show(groups.addBot(Number(request.params.chatId), permissions, userId))
  })

  app.patch('/chats/:chatId/bot', { schema: { params, body: BotPermissions } }, (request) => {
    const { permissions, userId } = request.body
    return show(groups.allowBot(Number(request.params.chatId), permissions, userId))
  })

  app.delete('/chats/:chatId/bot', { schema: { params, querystring: ByUser } }, (request) =>
    show(groups.removeBot(Number(request.params.chatId), optionalNumber(request.query.userId))),
  )
}

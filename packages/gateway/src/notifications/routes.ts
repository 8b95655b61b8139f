import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Notification } from '@potok/contracts/socket-events'
import { Problem } from '@potok/contracts/problem'
import { forwardedContext } from '@potok/core/correlation'
import type { createRecipientCheck } from './recipient.ts'
import { NotificationCreate, NotificationCreated } from './schemas.ts'

export interface NotificationRoutesOptions {
  checkRecipient: ReturnType<typeof createRecipientCheck>
  /** Stores it; resolves when it is durable. */
  notify: (notification: NotificationCreate) => Promise<Notification>
}

export const routes: FastifyPluginAsyncTypebox<NotificationRoutesOptions> = async (
  app,
  { checkRecipient, notify },
) => {
  app.post(
    '',
    {
      onRequest: app.requireAccess,
      schema: {
        tags: ['notifications'],
        summary: 'Tell a person, a role or everybody something; kept until it is seen',
        body: NotificationCreate,
        response: { 201: NotificationCreated, '4xx': Problem, '5xx': Problem },
      },
    },
    async (request, reply) => {
      const { to } = request.body
      await checkRecipient(to, forwardedContext(request))
      const stored = await notify(request.body)
      return reply.code(201).send({ ...stored, to })
    },
  )
}

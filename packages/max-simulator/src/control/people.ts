/** People and what they do. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { PlatformOption } from '../platform/platform.ts'
import { personAttachment } from './attachments.ts'
import {
  EditText,
  Mute,
  NewPerson,
  OwnMessagePath,
  PersonPath,
  PressBody,
  Start,
  Write,
} from './schemas.ts'
import { messageView, personView } from './views.ts'

export const peopleRoutes: FastifyPluginAsyncTypebox<PlatformOption> = async (
  app,
  { platform },
) => {
  const { people, dialogs, changes } = platform
  const params = PersonPath

  app.get('/people', () => people.list().map((person) => personView(person, platform)))

  app.post('/people', { schema: { body: NewPerson } }, async (request, reply) => {
    const person = people.add(request.body)
    changes.tell({ kind: 'person', person })
    return reply.code(201).send(personView(person, platform))
  })

  app.post('/people/:userId/start', { schema: { params, body: Start } }, (request) => {
    const userId = Number(request.params.userId)
    dialogs.start(userId, request.body.payload)
    return personView(people.get(userId), platform)
  })

  const acts = {
    stop: (userId: number) => dialogs.stop(userId),
    'remove-dialog': (userId: number) => dialogs.remove(userId),
    'clear-dialog': (userId: number) => dialogs.clear(userId),
  }
  for (const [name, act] of Object.entries(acts)) {
    app.post(`/people/:userId/${name}`, { schema: { params } }, (request) => {
      act(Number(request.params.userId))
      return personView(people.get(Number(request.params.userId)), platform)
    })
  }

  app.post('/people/:userId/mute', { schema: { params, body: Mute } }, (request) => {
    dialogs.mute(Number(request.params.userId), request.body.until)
    return personView(people.get(Number(request.params.userId)), platform)
  })
}

export const personMessageRoutes: FastifyPluginAsyncTypebox<PlatformOption> = async (
  app,
  { platform },
) => {
  const { writing, messages, chats } = platform
  const params = PersonPath

  app.get('/people/:userId/messages', { schema: { params } }, (request) => {
    const { userId } = platform.people.get(Number(request.params.userId))
    const { chatId } = chats.dialog(userId)
    return messages.inChat(chatId).map((message) => messageView(message, platform))
  })

  app.post(
    '/people/:userId/messages',
    { schema: { params, body: Write } },
    async (request, reply) => {
      const { attachments, ...rest } = request.body
      const message = writing.write(Number(request.params.userId), {
        ...rest,
        attachments: attachments?.map((attachment) => personAttachment(attachment)),
      })
      return reply.code(201).send(messageView(message, platform))
    },
  )

  app.put(
    '/people/:userId/messages/:mid',
    { schema: { params: OwnMessagePath, body: EditText } },
    ({ params: { userId, mid }, body: { text } }) =>
      messageView(writing.edit(Number(userId), mid, text), platform),
  )

  app.delete(
    '/people/:userId/messages/:mid',
    { schema: { params: OwnMessagePath } },
    async ({ params: { userId, mid } }, reply) => {
      writing.remove(Number(userId), mid)
      return reply.code(204).send()
    },
  )

  app.post('/people/:userId/presses', { schema: { params, body: PressBody } }, (request) => {
    const { sent, ...pressed } = platform.press(Number(request.params.userId), request.body)
    return { ...pressed, message: sent && messageView(sent, platform) }
  })
}

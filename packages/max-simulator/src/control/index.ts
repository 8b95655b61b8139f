/**
 * The control API: what is no part of MAX. People, groups, faults, logs, the stream of the chat page. Without a token: the
 * process listens on loopback only.
 */
import type { FastifyPluginAsync } from 'fastify'
import type { PlatformOption } from '../platform/platform.ts'
import { faultRoutes, observationRoutes } from './faults.ts'
import { chatRoutes, groupRoutes } from './groups.ts'
import { peopleRoutes, personMessageRoutes } from './people.ts'
import { streamRoute } from './stream.ts'

export const control: FastifyPluginAsync<PlatformOption> = async (app, options) => {
  // A POST without a body is one with nothing chosen.
  app.addHook('preValidation', async (request) => {
    if (request.body === undefined || request.body === null) request.body = {}
  })
  await app.register(peopleRoutes, options)
  await app.register(personMessageRoutes, options)
  await app.register(chatRoutes, options)
  await app.register(groupRoutes, options)
  await app.register(faultRoutes, options)
  await app.register(observationRoutes, options)
  await app.register(streamRoute, options)
}

/** GET /me, PATCH /me/commands. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { PlatformOption } from '../platform/platform.ts'
import { Commands } from './schemas.ts'

export const meRoutes: FastifyPluginAsyncTypebox<PlatformOption> = async (app, { platform }) => {
  const { bot, people, changes } = platform

  app.get('/me', () => ({
    ...people.botView(),
    description: bot.description,
    commands: bot.commands.length > 0 ? bot.commands : undefined,
  }))

  app.patch('/me/commands', { schema: { body: Commands } }, (request) => {
    bot.commands = request.body.commands.map(({ name, description }) => ({
      name,
      ...(typeof description === 'string' && { description }),
    }))
    changes.tell({ kind: 'connection' })
    return { commands: bot.commands }
  })
}

/**
 * The Bot API itself: token, limits, faults and log around the routes; errors and big integers as the platform writes them.
 */
import type { FastifyPluginAsync } from 'fastify'
import type { PlatformOption } from '../platform/platform.ts'
import { chatRoutes } from './chats.ts'
import { guard } from './guard.ts'
import { memberRoutes } from './members.ts'
import { messageRoutes } from './messages.ts'
import { meRoutes } from './me.ts'
import { subscriptionRoutes } from './subscriptions.ts'
import { updateRoutes } from './updates.ts'
import { uploadTargets, uploadRoutes } from './uploads.ts'

export interface BotApiOptions extends PlatformOption {
  /** What the bot must send in Authorization. */
  token: string
}

export const botApi: FastifyPluginAsync<BotApiOptions> = async (app, { platform, token }) => {
  // The addresses of the bytes are on other hosts of the platform and take no token.
  await app.register(uploadTargets, { platform })
  await app.register(async (guarded) => {
    guard(guarded, platform, token)
    await guarded.register(meRoutes, { platform })
    await guarded.register(messageRoutes, { platform })
    await guarded.register(subscriptionRoutes, { platform })
    await guarded.register(updateRoutes, { platform })
    await guarded.register(chatRoutes, { platform })
    await guarded.register(memberRoutes, { platform })
    await guarded.register(uploadRoutes, { platform })
  })
}

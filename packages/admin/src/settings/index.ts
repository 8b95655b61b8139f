/**
 * Settings of people: notifications, quiet hours, language. `{prefix}/:id/settings` for the gateway and its bot.
 */
import fp from 'fastify-plugin'
import { routes } from './routes.ts'
import { createSettings } from './settings.ts'

interface SettingsOptions {
  /** Where people are mounted. */
  prefix: string
}

export default fp<SettingsOptions>(
  async (app, { prefix }) => {
    const settings = createSettings({ database: app.store, users: app.users })
    await app.register(routes, { prefix, settings })
  },
  { name: '@potok/settings', fastify: '5.x', dependencies: ['@potok/users'] },
)

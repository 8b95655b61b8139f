import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Problem } from '@potok/contracts/problem'
import { UserSettings } from '@potok/contracts/user'
import { UserParams } from '../users/schemas.ts'
import type { Settings } from './settings.ts'

const described = { tags: ['settings'], params: UserParams }
const response = { 200: UserSettings, '4xx': Problem }

export const routes: FastifyPluginAsyncTypebox<{ settings: Settings }> = async (
  app,
  { settings },
) => {
  const onRequest = app.requireApiKey
  const config = { self: true }

  app.get(
    '/:id/settings',
    { onRequest, config, schema: { ...described, summary: 'Settings of a person', response } },
    async (request) => settings.get(request.params.id),
  )
  app.put(
    '/:id/settings',
    {
      onRequest,
      config,
      schema: {
        ...described,
        summary: 'Replace the settings of a person; what is left out is back at its default',
        body: UserSettings,
        response,
      },
    },
    async (request) => settings.replace(request.params.id, request.body),
  )
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Invalidation } from './invalidation.ts'
import { invalidateSchema } from './schemas.ts'

export const routes: FastifyPluginAsyncTypebox<{ invalidation: Invalidation }> = async (
  app,
  { invalidation },
) => {
  app.post(
    '/invalidate',
    { onRequest: app.requireApiKey, schema: invalidateSchema },
    async ({ body: { pattern } }) => ({ pattern, removed: await invalidation.invalidate(pattern) }),
  )
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Outage } from './outage.ts'
import type { Parked } from './parked.ts'
import { overviewSchema, REPLAY_LIMIT, replaySchema } from './schemas.ts'
import type { Sync } from './sync.ts'

export interface RoutesOptions {
  sync: Sync
  parked: Parked
  outage: Outage
}

export const routes: FastifyPluginAsyncTypebox<RoutesOptions> = async (
  app,
  { sync, parked, outage },
) => {
  const onRequest = app.requireApiKey

  app.get('', { onRequest, schema: overviewSchema }, async ({ query }) => {
    const [{ pending, oldestMs }, total, rows] = await Promise.all([
      sync.backlog(),
      parked.count(),
      parked.list(query.limit),
    ])
    const items = rows.map(({ entity, entity_id: entityId, version, parked_at, ...why }) => ({
      entity,
      entityId,
      version,
      status: why.status,
      detail: why.detail,
      parkedAt: new Date(parked_at).toISOString(),
    }))
    const status = outage.failures === 0 ? ('up' as const) : ('away' as const)
    return { status, backlog: pending, oldestMs, parked: { total, items } }
  })

  app.post('/replay', { onRequest, schema: replaySchema }, async ({ body }, reply) =>
    reply.code(202).send({ replayed: await sync.replay(body, REPLAY_LIMIT) }),
  )
}

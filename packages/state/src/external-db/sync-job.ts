import type { NewJob } from '@potok/core/queue'
import { Type, type Static } from '@sinclair/typebox'

/** What the queue keeps: which entity, not what of it. Whoever works it sends the newest there is. */
export const SyncJob = Type.Object({ entity: Type.String(), entityId: Type.String() })
export type SyncJob = Static<typeof SyncJob>

/** All of it goes to one service: one lane. */
export const LANE = 'external-db'

/**
 * One job an entity, however often it changes: a second one is not accepted while there is the first. The key is there
 * for its lock: an enqueuer keeps the settlement waiting, which then sees the version that the enqueuer made.
 */
export function jobFor({ entity, entityId }: SyncJob): NewJob<SyncJob> {
  const id = `${entity}:${entityId}`
  return { id, lane: LANE, key: id, payload: { entity, entityId } }
}

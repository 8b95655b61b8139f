import type { EventLogItem } from '@potok/contracts/event'
import type { EntityChange, ServerEvents } from '@potok/contracts/socket-events'
import { positionOf } from '../events/index.ts'

type ChangeEvent = Extract<keyof ServerEvents, `${string}:${'created' | 'updated' | 'deleted'}`>

const TASK_EVENTS = {
  'entity.created': 'task:created',
  'entity.updated': 'task:updated',
  'entity.deleted': 'task:deleted',
} as const

export interface Change {
  name: ChangeEvent
  payload: EntityChange
  /** Channels that carry it. */
  channels: string[]
  position: bigint
}

/** What sockets are told of an event; undefined for what no channel carries. */
export function changeOf(item: EventLogItem): Change | undefined {
  if (item.event === 'custom.event') return undefined
  const { entity, id, previousStatus, newStatus, metadata, version, actor } = item.data
  const payload: EntityChange = {
    cursor: item.cursor,
    eventId: item.id,
    entity,
    id,
    previousStatus,
    newStatus,
    metadata,
    version,
    actor,
    timestamp: item.timestamp,
  }
  const position = positionOf(item.cursor)
  switch (entity) {
    case 'task':
      return { name: TASK_EVENTS[item.event], payload, channels: ['tasks', `task:${id}`], position }
    case 'user':
      return { name: 'user:updated', payload, channels: ['users'], position }
    case 'process':
      return { name: 'process:updated', payload, channels: ['processes'], position }
    default:
      return undefined
  }
}

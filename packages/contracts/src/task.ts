import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from './closed-set.ts'
import { Timestamp } from './identifiers.ts'

export const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const
export const Priority = closedSet(PRIORITIES)
export type Priority = Static<typeof Priority>

export const TASK_STATUSES = ['created', 'pending', 'in_progress', 'completed', 'failed'] as const
export const TaskStatus = closedSet(TASK_STATUSES)
export type TaskStatus = Static<typeof TaskStatus>

export const PRESENCE_STATUSES = ['online', 'offline', 'busy'] as const
export const PresenceStatus = closedSet(PRESENCE_STATUSES)
export type PresenceStatus = Static<typeof PresenceStatus>

/** The convention of bot, task service and dashboard on `metadata` of a task. The state service does not enforce it. */
export const TaskMetadata = Type.Object({
  title: Type.String({ minLength: 1, maxLength: 200 }),
  description: Type.Optional(Type.String({ maxLength: 10_000 })),
  priority: Type.Optional(Priority),
  dueAt: Type.Optional(Timestamp),
  assignee: Type.Optional(Type.String({ description: 'User id' })),
  tags: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 32 })),
  source: Type.Optional(
    Type.Object({ chatId: Type.Integer(), messageId: Type.Optional(Type.String()) }),
  ),
})
export type TaskMetadata = Static<typeof TaskMetadata>

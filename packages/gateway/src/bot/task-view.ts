import type { State } from '@potok/contracts/state'
import { PRIORITIES, TASK_STATUSES, type Priority, type TaskStatus } from '@potok/contracts/task'

/** A task as the bot shows it, whatever its metadata has or lacks: the state service does not enforce the convention. */
export interface TaskView {
  id: string
  version: number
  status: TaskStatus | undefined
  /** As it is stored, when it is none that we know. */
  statusName: string
  title: string
  description: string | undefined
  priority: Priority | undefined
  /** Epoch milliseconds. */
  dueAt: number | undefined
  assignee: string | undefined
  tags: string[]
  reason: string | undefined
  /** `user:<id>`, `service:<name>` … */
  author: string
}

export const isTaskStatus = (name: string): name is TaskStatus =>
  TASK_STATUSES.some((status) => status === name)

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value : undefined

export function viewOf(state: State): TaskView {
  const { metadata, status, entityId } = state
  const due = Date.parse(textOf(metadata['dueAt']) ?? '')
  const tags = metadata['tags']
  return {
    id: entityId,
    version: state.version,
    status: isTaskStatus(status) ? status : undefined,
    statusName: status,
    title: titleOf(metadata, entityId),
    description: textOf(metadata['description']),
    priority: PRIORITIES.find((priority) => priority === metadata['priority']),
    dueAt: Number.isNaN(due) ? undefined : due,
    assignee: textOf(metadata['assignee']),
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
    reason: state.reason,
    author: state.createdBy,
  }
}

/** The title, or the id where there is none. */
export function titleOf(metadata: Record<string, unknown>, id: string): string {
  return textOf(metadata['title'])?.replaceAll(/\s+/gu, ' ').trim() ?? id
}

export const ACTIONS = ['take', 'start', 'done', 'fail', 'postpone', 'reopen'] as const
export type Action = (typeof ACTIONS)[number]

export const isAction = (name: string): name is Action => ACTIONS.some((action) => action === name)

/** Status that an action leads to. */
export function targetOf(action: Action, from: TaskStatus | undefined): TaskStatus {
  switch (action) {
    case 'take':
    case 'postpone':
      return 'pending'
    case 'start':
      return 'in_progress'
    case 'done':
      return 'completed'
    case 'fail':
      return 'failed'
    case 'reopen':
      return from === 'failed' ? 'created' : 'in_progress'
  }
}

/** From which statuses an action is offered; the machine in force has the last word. */
const OFFERED_FROM: Record<Action, readonly TaskStatus[]> = {
  take: ['created', 'failed'],
  start: ['created', 'pending', 'failed'],
  done: ['in_progress'],
  fail: ['created', 'pending', 'in_progress'],
  postpone: ['in_progress'],
  reopen: ['completed', 'failed'],
}

/** What may be done with a task: by its status, by the machine (`allowed`). */
export function actionsOf(status: TaskStatus | undefined, allowed: readonly string[]): Action[] {
  if (status === undefined) return []
  return ACTIONS.filter(
    (action) => OFFERED_FROM[action].includes(status) && allowed.includes(targetOf(action, status)),
  )
}

/** May this person change it? Managers all, members what they created or do. */
export function mayChange(
  task: Pick<TaskView, 'author' | 'assignee'>,
  person: { userId: string; isManager: boolean },
): boolean {
  const { userId, isManager } = person
  return isManager || task.author === `user:${userId}` || task.assignee === userId
}

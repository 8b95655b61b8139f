import type { Machine, MachineDefinition } from '@potok/contracts/machine'
import { PRESENCE_STATUSES, TASK_STATUSES } from '@potok/contracts/task'
import { createRules, type Rules } from './rules.ts'

const task: MachineDefinition = {
  statuses: [...TASK_STATUSES],
  initial: ['created', 'pending', 'in_progress'],
  transitions: {
    created: ['pending', 'in_progress', 'failed'],
    pending: ['in_progress', 'created', 'failed'],
    in_progress: ['completed', 'failed', 'pending', 'created'],
    failed: ['created', 'pending', 'in_progress'],
    completed: ['in_progress'],
  },
  indexes: ['assignee', 'priority', 'tags', 'dueAt'],
}

/** A person without a sign of life for so long is away; clients send one every 30 s. */
const PRESENCE_SECONDS = 90

const user: MachineDefinition = {
  statuses: [...PRESENCE_STATUSES],
  initial: ['offline', 'online', 'busy'],
  transitions: {
    online: ['offline', 'busy'],
    offline: ['online', 'busy'],
    busy: ['online', 'offline'],
  },
  expiry: {
    online: { afterSeconds: PRESENCE_SECONDS, to: 'offline' },
    busy: { afterSeconds: PRESENCE_SECONDS, to: 'offline' },
  },
}

const processes: MachineDefinition = {
  statuses: ['pending', 'running', 'finished'],
  initial: ['pending', 'running'],
  transitions: { pending: ['running'], running: ['finished', 'pending'], finished: [] },
}

/** The rules that the product comes with. They are code: no request replaces them. */
export const builtInMachines: readonly Machine[] = [
  { entity: 'task', version: 1, builtIn: true, ...task },
  { entity: 'user', version: 1, builtIn: true, ...user },
  { entity: 'process', version: 1, builtIn: true, ...processes },
]

/** The same, ready to be asked, by entity type. */
export const builtInRules: ReadonlyMap<string, Rules> = new Map(
  builtInMachines.map((machine) => [machine.entity, createRules(machine)]),
)

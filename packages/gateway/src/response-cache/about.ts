import type { EventLogItem } from '@potok/contracts/event'
import type { Tag } from './purges.ts'

/** Everything that the event log tells of; answers that sum it up are about this. */
const ANYTHING: Tag = '*'
const MACHINES: Tag = '/machines'

const STATES = /^\/api\/v1\/states\/(?<entity>[^/]+)(?:\/(?<id>[^/]+))?/u

/** What an answer is about: it must not be kept on when one of these changes. */
export function aboutRead(path: string): readonly Tag[] {
  if (path.startsWith('/api/v1/machines')) return [MACHINES]
  const { entity, id } = STATES.exec(path)?.groups ?? {}
  if (entity === undefined) return [ANYTHING]
  // A change whose body names the entity does not say here which one it was.
  return id === undefined ? [entity] : [`${entity}/${id}`, `${entity}/?`]
}

/** Their service writes what it decides to the states. */
const OF_TASKS = /^\/api\/v1\/(?:tasks|distribution|analytics)(?:\/|$)/u

/** What a change that went through us may have changed; undefined: everything. */
export function aboutWrite(path: string): readonly Tag[] | undefined {
  if (OF_TASKS.test(path)) return [ANYTHING, 'task', 'task/?']
  if (path.startsWith('/api/v1/machines')) return undefined
  const { entity, id } = STATES.exec(path)?.groups ?? {}
  if (entity === 'batch') return undefined
  return entity === undefined ? [] : [ANYTHING, entity, `${entity}/${id ?? '?'}`]
}

export function aboutEvent(item: EventLogItem): readonly Tag[] {
  if (item.event === 'custom.event') return [ANYTHING]
  const { entity, id } = item.data
  return [ANYTHING, entity, `${entity}/${id}`]
}

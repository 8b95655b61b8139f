import { Type, type Static } from '@sinclair/typebox'
import { closedSet } from '@potok/contracts/closed-set'
import type { EntityEvent } from '@potok/contracts/event'

/** Something that one person is told about one task. */
export const Notice = Type.Object({
  kind: closedSet(['assigned', 'changed', 'edited', 'failed', 'deleted']),
  /** Who is told: id of the user. */
  userId: Type.String(),
  /** Who did it. */
  actor: Type.String(),
  /** The event that it is told of: it is told once. */
  eventId: Type.String(),
  title: Type.String(),
})
export type Notice = Static<typeof Notice>

/** The task before the first of the events. */
export interface Before {
  status: string | null
  assignee: string | undefined
}

export interface Happened {
  /** Of one task, by version, without gaps as far as we got them. At least one. */
  events: readonly EntityEvent[]
  before: Before
  /** `user:<id>` or another actor; undefined when nobody knows any more. */
  author: string | undefined
  title: string
}

const assigneeOf = ({ data }: EntityEvent): string | undefined => {
  const assignee = data.metadata['assignee']
  return typeof assignee === 'string' && assignee !== '' ? assignee : undefined
}

const userOf = (actor: string | undefined): string | undefined =>
  actor?.startsWith('user:') === true ? actor.slice('user:'.length) : undefined

/**
 * Who must be told what of changes that came together: the assignee of an assignment, the author of a change, both of a
 * failure. One notice a person, the weightiest; never of what they did themselves.
 */
export function noticesOf(happened: Happened): Notice[] {
  const { events, before, author } = happened
  const last = events.at(-1)
  if (last === undefined) return []
  const assignee = last.data.newStatus === null ? before.assignee : assigneeOf(last)
  const concerned = new Set([userOf(author), assignee].filter((id) => id !== undefined))
  return [...concerned].flatMap((userId) => {
    const notice = noticeFor(userId, happened)
    return notice === undefined ? [] : [notice]
  })
}

function noticeFor(userId: string, happened: Happened): Notice | undefined {
  const { events, before, author, title } = happened
  const byOthers = events.filter(({ data }) => data.actor !== `user:${userId}`)
  const told = (event: EntityEvent, kind: Notice['kind']): Notice => ({
    kind,
    userId,
    actor: event.data.actor,
    eventId: event.id,
    title,
  })
  const deletion = byOthers.find(({ data }) => data.newStatus === null)
  if (deletion !== undefined) return told(deletion, 'deleted')

  const last = events.at(-1)
  const failure = byOthers.find((event) => becameFailed(event, events, before))
  if (last?.data.newStatus === 'failed' && failure !== undefined) return told(failure, 'failed')

  const assignment = byOthers.find((event) => becameAssignee(userId, event, events, before))
  if (last !== undefined && assigneeOf(last) === userId && assignment !== undefined) {
    return told(assignment, 'assigned')
  }
  if (author !== `user:${userId}`) return undefined
  const change = byOthers.findLast(({ data }) => data.previousStatus !== data.newStatus)
  const statusIsNew = last?.data.newStatus !== before.status
  if (change !== undefined && statusIsNew && change.data.previousStatus !== null) {
    return told(change, 'changed')
  }
  const edit = byOthers.findLast(({ data }) => data.previousStatus !== null)
  return edit === undefined ? undefined : told(edit, 'edited')
}

/** What stood before an event: what its predecessor says, or what stood before all. */
function previous(event: EntityEvent, events: readonly EntityEvent[]): EntityEvent | undefined {
  return events[events.indexOf(event) - 1]
}

function becameFailed(event: EntityEvent, events: readonly EntityEvent[], before: Before): boolean {
  const earlier = previous(event, events)
  const status = earlier === undefined ? before.status : earlier.data.newStatus
  return event.data.newStatus === 'failed' && status !== 'failed'
}

function becameAssignee(
  userId: string,
  event: EntityEvent,
  events: readonly EntityEvent[],
  before: Before,
): boolean {
  const earlier = previous(event, events)
  const assignee = earlier === undefined ? before.assignee : assigneeOf(earlier)
  return assigneeOf(event) === userId && assignee !== userId
}

import { isDeepStrictEqual } from 'node:util'
import type { SubscribableEvent, WebhookFilter } from '@potok/contracts/webhook'
import type { StoredEvent } from '../events/index.ts'

/** What of an event decides who gets it. */
export type Matchable = Pick<StoredEvent, 'event' | 'entity' | 'entityId' | 'data'>

/** Events about webhooks themselves. They are not in the event log. */
export const isOperational = (event: string): boolean => event.startsWith('webhook.')

/** Does one of the names mean this event? `*` is everything about entities and custom events, not about webhooks. */
export function namesMatch(names: readonly SubscribableEvent[], event: string): boolean {
  return names.some((name) => {
    if (name === event) return true
    if (name === '*') return !isOperational(event)
    return name.endsWith('.*') && event.startsWith(name.slice(0, -1))
  })
}

const allows = (listed: readonly string[] | undefined, value: string | null | undefined): boolean =>
  listed === undefined || (typeof value === 'string' && listed.includes(value))

/** Do all members of the filter match? Custom events have neither statuses nor metadata. */
export function filterMatches(filter: WebhookFilter | undefined, event: Matchable): boolean {
  if (filter === undefined || isOperational(event.event)) return true
  if (!allows(filter.entity, event.entity) || !allows(filter.id, event.entityId)) return false
  const wanted = Object.entries(filter.metadata ?? {})
  if (!('metadata' in event.data)) {
    const { statusFrom, statusTo } = filter
    return statusFrom === undefined && statusTo === undefined && wanted.length === 0
  }
  const { previousStatus, newStatus, metadata } = event.data
  return (
    allows(filter.statusFrom, previousStatus) &&
    allows(filter.statusTo, newStatus) &&
    wanted.every(([name, value]) => isDeepStrictEqual(metadata[name], value))
  )
}

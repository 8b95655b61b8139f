import { expect, test } from 'vitest'
import type { SubscribableEvent, WebhookFilter } from '@potok/contracts/webhook'
import { filterMatches, namesMatch, type Matchable } from './matching.ts'

const updated: Matchable = {
  event: 'entity.updated',
  entity: 'task',
  entityId: 't1',
  data: {
    entity: 'task',
    id: 't1',
    previousStatus: 'created',
    newStatus: 'in_progress',
    metadata: { assignee: 'u1', tags: ['a', 'b'], estimate: { hours: 3 } },
    version: 2,
    actor: 'user:u1',
    reason: null,
    correlationId: 'c',
  },
}
const created: Matchable = {
  ...updated,
  event: 'entity.created',
  data: { ...updated.data, previousStatus: null },
}
const custom: Matchable = {
  event: 'custom.event',
  entity: 'task',
  entityId: 't1',
  data: { name: 'report.ready', entity: 'task', id: 't1', data: null },
}

const everything: SubscribableEvent[] = ['*']

test.each<[SubscribableEvent[], string, boolean]>([
  [['entity.updated'], 'entity.updated', true],
  [['entity.updated'], 'entity.created', false],
  [['entity.*'], 'entity.deleted', true],
  [['entity.*'], 'custom.event', false],
  [everything, 'entity.created', true],
  [everything, 'custom.event', true],
  [everything, 'webhook.disabled', false],
  [['webhook.*'], 'webhook.disabled', true],
  [['webhook.exhausted'], 'webhook.exhausted', true],
  [['webhook.exhausted'], 'webhook.disabled', false],
])('%j means %s: %s', (names, event, expected) => {
  expect(namesMatch(names, event)).toBe(expected)
})

test.each<[string, WebhookFilter | undefined, Matchable, boolean]>([
  ['no filter', undefined, updated, true],
  ['its entity', { entity: ['task', 'user'] }, updated, true],
  ['another entity', { entity: ['user'] }, updated, false],
  ['its id', { id: ['t1'] }, updated, true],
  ['another id', { id: ['t2'] }, updated, false],
  ['where it came from', { statusFrom: ['created'] }, updated, true],
  ['coming from nowhere', { statusFrom: ['created'] }, created, false],
  ['where it goes', { statusTo: ['completed', 'in_progress'] }, updated, true],
  ['where it does not go', { statusTo: ['completed'] }, updated, false],
  ['its metadata', { metadata: { assignee: 'u1' } }, updated, true],
  ['deep metadata', { metadata: { tags: ['a', 'b'], estimate: { hours: 3 } } }, updated, true],
  ['other metadata', { metadata: { assignee: 'u2' } }, updated, false],
  ['metadata that is not there', { metadata: { missing: null } }, updated, false],
  ['all but one', { entity: ['task'], statusTo: ['completed'] }, updated, false],
  ['the entity of a custom event', { entity: ['task'] }, custom, true],
  ['statuses, of a custom event', { statusTo: ['completed'] }, custom, false],
  ['metadata, of a custom event', { metadata: { a: 1 } }, custom, false],
])('a filter by %s', (_case, filter, event, expected) => {
  expect(filterMatches(filter, event)).toBe(expected)
})

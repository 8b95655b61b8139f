import { expect, test } from 'vitest'
import { builtInRules, type Rules } from '../machines/index.ts'
import type { Command } from './command.ts'
import { decide } from './decide.ts'
import type { StateRow } from './state-row.ts'

function rulesOf(entity: string): Rules {
  const rules = builtInRules.get(entity)
  if (rules === undefined) throw new Error(`No rules of ${entity}`)
  return rules
}

const NOW = 1_800_000_000_000

const row = (given: Partial<StateRow> = {}): StateRow => ({
  entity: 'task',
  entity_id: 'a',
  status: 'pending',
  version: 3,
  metadata: '{"assignee":"u2"}',
  created_at: NOW - 2000,
  created_by: 'user:u1',
  updated_at: NOW - 1000,
  updated_by: 'user:u1',
  expires_at: null,
  ttl_seconds: null,
  reason: 'before',
  machine_version: 1,
  deleted_at: null,
  ...given,
})

const decideOn = (
  current: StateRow | undefined,
  command: Partial<Command> & Pick<Command, 'op'>,
  { actor = 'user:u1', scope = 'all' }: { actor?: string; scope?: 'all' | 'own' } = {},
) =>
  decide({ entity: 'task', entityId: 'a', ...command }, current, {
    rules: rulesOf(current?.entity ?? command.entity ?? 'task'),
    by: { actor, scope, correlationId: 'c' },
    now: NOW,
    metadataLimitBytes: 100,
  })

test('a change carries its own reason, not that of the change before', () => {
  expect(decideOn(row(), { op: 'update', status: 'failed', reason: 'why' }).row.reason).toBe('why')
  expect(decideOn(row(), { op: 'update', status: 'failed' }).row.reason).toBeNull()
})

test('the order of members in metadata is no change', () => {
  const current = row({ metadata: '{"a": 1, "b": {"c": [1, 2], "d": null}}' })
  const metadata = { b: { d: null, c: [1, 2] }, a: 1 }

  expect(decideOn(current, { op: 'update', metadata }).kind).toBe('unchanged')
})

test('a clock that fell back does not turn times around', () => {
  const current = row({ updated_at: NOW + 5000 })

  expect(decideOn(current, { op: 'delete' }).row).toMatchObject({
    updated_at: NOW + 5000,
    deleted_at: NOW + 5000,
    version: 4,
  })
})

test('somebody else than creator and assignee may not, whatever the operation', () => {
  for (const op of ['upsert', 'update', 'patch', 'delete', 'create'] as const) {
    expect(() => decideOn(row(), { op }, { actor: 'user:u3', scope: 'own' })).toThrow(
      expect.objectContaining({ code: 'STATES_NOT_OWNER', statusCode: 403 }) as Error,
    )
  }
})

test('the assignee is named without its kind; a service of that name is not meant', () => {
  const own = (actor: string) => decideOn(row(), { op: 'delete' }, { actor, scope: 'own' })

  expect(own('user:u2').kind).toBe('changed')
  expect(() => own('service:u2')).toThrow('was neither created by nor assigned to')
})

test('a tombstone is nobody’s: whoever creates again is the new creator', () => {
  const tombstone = row({ deleted_at: NOW - 500 })

  const { row: next } = decideOn(tombstone, { op: 'create' }, { actor: 'user:u9', scope: 'own' })

  expect(next).toMatchObject({
    version: 4,
    created_by: 'user:u9',
    created_at: NOW,
    deleted_at: null,
  })
})

test('metadata that grow by patches meet the limit too', () => {
  const current = row({ metadata: JSON.stringify({ a: 'x'.repeat(60) }) })

  expect(() => decideOn(current, { op: 'patch', metadata: { b: 'y'.repeat(60) } })).toThrow(
    'The metadata would be larger than 100 bytes',
  )
})

test('what is not due does not expire, and what was given a time to live of its own tells it', () => {
  const online = row({ entity: 'user', status: 'online', expires_at: NOW + 1, ttl_seconds: 5 })
  const expire = (current: StateRow) => decideOn(current, { op: 'expire', entity: 'user' })

  expect(expire(online).kind).toBe('unchanged')
  expect(expire({ ...online, expires_at: NOW })).toMatchObject({
    kind: 'changed',
    newStatus: 'offline',
    row: { reason: 'not renewed for 5 s', expires_at: null, ttl_seconds: null },
  })
})

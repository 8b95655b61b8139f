import { DatabaseUnavailable } from '@potok/core/database'
import { expect, test } from 'vitest'
import type { Order, Outcome } from './command.ts'
import { createGrouping } from './grouping.ts'
import type { StateRow } from './state-row.ts'

const order = (entityId: string): Order => ({
  command: { op: 'upsert', entity: 'task', entityId },
  by: { actor: 'service:test', scope: 'all', correlationId: 'c' },
})

const rowOf = ({ command: { entity, entityId } }: Order): StateRow => ({
  entity,
  entity_id: entityId,
  status: 'created',
  version: 1,
  metadata: '{}',
  created_at: 0,
  created_by: 'service:test',
  updated_at: 0,
  updated_by: 'service:test',
  expires_at: null,
  ttl_seconds: null,
  reason: null,
  machine_version: 1,
  deleted_at: null,
})

const done = (one: Order): Outcome => ({ kind: 'unchanged', row: rowOf(one) })
const idOf = ({ command }: Order): string => command.entityId

/** A store that remembers which orders came together, and does what it is told to. */
function build(answer = done, options: { parallel?: number; pendingLimit?: number } = {}) {
  const groups: string[][] = []
  const write = createGrouping({
    ...options,
    run: async (orders) => {
      groups.push(orders.map(idOf))
      return orders.map(answer)
    },
  })
  return { groups, write }
}

test('what arrives in one turn of the loop is one transaction, ordered by entity', async () => {
  const { groups, write } = build()

  const outcomes = await Promise.all(['b', 'c', 'a'].map((id) => write(order(id))))

  expect(groups).toEqual([['a', 'b', 'c']])
  expect(outcomes.map(({ row }) => row.entity_id)).toEqual(['b', 'c', 'a'])
})

test('what arrives while all transactions are busy shares the next one', async () => {
  const groups: string[][] = []
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => void (release = resolve))
  let started: () => void = () => {}
  const isBusy = new Promise<void>((resolve) => void (started = resolve))
  const write = createGrouping({
    parallel: 1,
    run: async (orders) => {
      groups.push(orders.map(idOf))
      started()
      await held
      return orders.map(done)
    },
  })

  const first = write(order('a'))
  await isBusy
  const others = ['b', 'c'].map((id) => write(order(id)))
  release()
  await Promise.all([first, ...others])

  expect(groups).toEqual([['a'], ['b', 'c']])
})

test('one that is refused hears why, its neighbours are stored', async () => {
  const groups: string[][] = []
  const write = createGrouping({
    run: async (orders) => {
      groups.push(orders.map(idOf))
      return orders.map((one) =>
        idOf(one) === 'b' ? { kind: 'refused', error: new Error('stale') } : done(one),
      )
    },
  })

  const results = await Promise.allSettled(['a', 'b', 'c'].map((id) => write(order(id))))

  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(results[1]).toMatchObject({ reason: { message: 'stale' } })
  expect(groups).toHaveLength(1)
})

test('when the transaction fails each is tried alone: only the one that is to blame fails', async () => {
  const { groups, write } = build((one) => {
    if (idOf(one) === 'b') throw new Error('cannot be stored')
    return done(one)
  })

  const results = await Promise.allSettled(['a', 'b', 'c'].map((id) => write(order(id))))

  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(groups).toEqual([['a', 'b', 'c'], ['a'], ['b'], ['c']])
})

test('a commit that may have happened is not done again', async () => {
  const { groups, write } = build(() => {
    throw new DatabaseUnavailable('the connection broke')
  })

  const results = await Promise.allSettled(['a', 'b'].map((id) => write(order(id))))

  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(groups).toEqual([['a', 'b']])
})

test('more than may wait are told so at once', async () => {
  const { write } = build(done, { pendingLimit: 2 })

  const results = await Promise.allSettled(['a', 'b', 'c'].map((id) => write(order(id))))

  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  expect(results[2]).toMatchObject({ reason: { code: 'DATABASE_UNAVAILABLE' } })
})

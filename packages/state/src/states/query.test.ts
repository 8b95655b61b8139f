import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import {
  describeDatabases,
  describePostgres,
  describeSqlite,
  type TestStore,
} from '@potok/core/testing/databases'
import { createStateService, type Reply } from '../testing/state-service.ts'

const idsOf = ({ body }: Reply): string[] =>
  body.items.map((item: { entityId: string }) => item.entityId)

const TASKS = [
  {
    entityId: 't1',
    status: 'created',
    metadata: { assignee: 'u1', priority: 'high', tags: ['a', 'b'] },
  },
  { entityId: 't2', status: 'pending', metadata: { assignee: 'u1', priority: 'low', size: 5 } },
  { entityId: 't3', status: 'in_progress', metadata: { assignee: 'u2', size: 12, tags: ['b'] } },
  { entityId: 't4', status: 'created', metadata: { assignee: null, urgent: true, tags: 'a' } },
  {
    entityId: 't5',
    status: 'pending',
    metadata: { place: { city: 'Тверь' }, size: 100, list: [1, 'x'] },
  },
]

async function seeded(store: TestStore) {
  const service = await createStateService({ place: await store.place() })
  for (const [index, task] of TASKS.entries()) {
    service.app.store.setClockOffset(index * 1000)
    await service.call('POST', 'states/task', task, {
      'x-actor': `user:${index < 2 ? 'anna' : 'boris'}`,
    })
  }
  await service.call('POST', 'states/task', { entityId: 'gone', metadata: { assignee: 'u1' } })
  await service.call('DELETE', 'states/task/gone')
  await service.call('POST', 'states/process', { entityId: 't1' })
  return service
}

function suite(store: TestStore): void {
  describe('in the URL', () => {
    test('selects and orders as it says', async () => {
      const { call } = await seeded(store)
      const cases: [query: string, ids: string[]][] = [
        ['', ['t5', 't4', 't3', 't2', 't1']],
        ['sort=updatedAt', ['t1', 't2', 't3', 't4', 't5']],
        ['sort=-entityId', ['t5', 't4', 't3', 't2', 't1']],
        ['sort=status', ['t1', 't4', 't3', 't2', 't5']],
        ['sort=createdAt&limit=2', ['t1', 't2']],
        ['status=created', ['t4', 't1']],
        ['status=created,pending', ['t5', 't4', 't2', 't1']],
        ['status=created,pending&sort=updatedAt&limit=3', ['t1', 't2', 't4']],
        ['metadata.assignee=u1', ['t2', 't1']],
        ['metadata.assignee=u1&status=pending', ['t2']],
        ['metadata.assignee=u1&metadata.priority=high', ['t1']],
        ['metadata.place.city=%D0%A2%D0%B2%D0%B5%D1%80%D1%8C', ['t5']],
        ['metadata.size=12', ['t3']],
        ['metadata.urgent=true', ['t4']],
        ['metadata.tags=a', ['t4', 't1']],
        ['metadata.tags=b', ['t3', 't1']],
        ['metadata.list=1', ['t5']],
        ['metadata.list=x', ['t5']],
        ['metadata.nothing=x', []],
        ['createdBy=user:anna', ['t2', 't1']],
      ]

      for (const [query, ids] of cases) {
        const found = idsOf(await call('GET', `states/task?${query}`))
        expect({ query, found }).toEqual({ query, found: ids })
      }
    })

    test('times select what came after and before', async () => {
      const { call } = await seeded(store)
      const at = (await call('GET', 'states/task/t3')).body.updatedAt

      expect(idsOf(await call('GET', `states/task?updatedAfter=${at}`))).toEqual(['t5', 't4'])
      expect(idsOf(await call('GET', `states/task?createdBefore=${at}`))).toEqual(['t2', 't1'])
    })

    test('pages of every order show everything once', async () => {
      const { call } = await seeded(store)
      for (const sort of ['-updatedAt', 'createdAt', 'entityId', 'status', '-status']) {
        const whole = idsOf(await call('GET', `states/task?sort=${sort}`))
        const seen: string[] = []
        let cursor = ''
        for (let page = 0; page < 10; page += 1) {
          const reply = await call('GET', `states/task?sort=${sort}&limit=2${cursor}`)
          seen.push(...idsOf(reply))
          if (reply.body.nextCursor === undefined) break
          cursor = `&cursor=${reply.body.nextCursor}`
        }

        expect({ sort, seen }).toEqual({ sort, seen: whole })
      }
    })

    test('states of one moment are paged by their id', async () => {
      const { call } = await createStateService({ place: await store.place() })
      const operations = Array.from({ length: 7 }, (_, n) => ({
        op: 'create',
        entity: 'task',
        entityId: `t${n}`,
        status: n % 2 === 0 ? 'created' : 'pending',
      }))
      await call('POST', 'states/batch', { mode: 'atomic', operations })

      const first = await call('GET', 'states/task?status=created,pending&limit=4')
      const second = await call(
        'GET',
        `states/task?status=created,pending&limit=4&cursor=${first.body.nextCursor}`,
      )

      expect([...idsOf(first), ...idsOf(second)]).toEqual([
        't6',
        't5',
        't4',
        't3',
        't2',
        't1',
        't0',
      ])
    })

    test('count tells how many there are, groupBy how many of each', async () => {
      const { call } = await seeded(store)

      const page = await call('GET', 'states/task?limit=1&count=true')
      const statuses = await call('GET', 'states/task?groupBy=status&count=true')
      const assignees = await call(
        'GET',
        'states/task?groupBy=metadata.assignee&status=created,pending',
      )

      expect(page.body).toMatchObject({ total: 5, nextCursor: expect.any(String) })
      expect(statuses.body).toEqual({
        items: [
          { value: 'created', count: 2 },
          { value: 'pending', count: 2 },
          { value: 'in_progress', count: 1 },
        ],
        total: 5,
      })
      expect(assignees.body.items).toHaveLength(2)
      expect(assignees.body.items).toContainEqual({ value: 'u1', count: 2 })
      expect(assignees.body.items).toContainEqual({ value: null, count: 2 })
    })

    test('what makes no sense is refused', async () => {
      const { call } = await createStateService({ place: await store.place() })
      const cases: [query: string, status: number, code: string][] = [
        ['status=done', 422, 'STATES_UNKNOWN_STATUS'],
        ['status=In-Progress', 400, 'REQUEST_INVALID'],
        ['limit=501', 400, 'REQUEST_INVALID'],
        ['sort=metadata.x', 400, 'REQUEST_INVALID'],
        ['foo=bar', 400, 'REQUEST_INVALID'],
        ['metadata.a;drop=1', 400, 'REQUEST_INVALID'],
        ['metadata.a=1&metadata.a=2', 400, 'REQUEST_INVALID'],
        ['cursor=abc', 400, 'REQUEST_INVALID'],
        ['updatedAfter=yesterday', 400, 'REQUEST_INVALID'],
        ['groupBy=version', 400, 'REQUEST_INVALID'],
      ]

      for (const [query, status, code] of cases) {
        const { body } = await call('GET', `states/task?${query}`)
        expect({ query, body }).toMatchObject({ query, body: { status, code } })
      }
    })

    test('a cursor of another order is refused', async () => {
      const { call } = await seeded(store)
      const { body } = await call('GET', 'states/task?limit=1')

      const reply = await call('GET', `states/task?sort=createdAt&cursor=${body.nextCursor}`)

      expect(reply.body).toMatchObject({ status: 400, errors: [{ path: '/querystring/cursor' }] })
    })
  })

  describe('as JSON', () => {
    test('selects by fields, operators and their combinations', async () => {
      const { call } = await seeded(store)
      const cases: [where: object, ids: string[]][] = [
        [{ status: 'created' }, ['t1', 't4']],
        [{ status: { in: ['created', 'in_progress'] } }, ['t1', 't3', 't4']],
        [{ status: { ne: 'created' } }, ['t2', 't3', 't5']],
        [{ not: { status: 'created' } }, ['t2', 't3', 't5']],
        [{ or: [{ status: 'in_progress' }, { 'metadata.priority': 'high' }] }, ['t1', 't3']],
        [{ and: [{ status: 'created' }, { 'metadata.urgent': true }] }, ['t4']],
        [{ 'metadata.size': { gt: 5 } }, ['t3', 't5']],
        [{ 'metadata.size': { gte: 5, lt: 100 } }, ['t2', 't3']],
        [{ 'metadata.size': { in: [5, 12] } }, ['t2', 't3']],
        [{ 'metadata.assignee': { exists: true } }, ['t1', 't2', 't3']],
        [{ 'metadata.assignee': { exists: false } }, ['t4', 't5']],
        [{ 'metadata.assignee': { ne: 'u1' } }, ['t3', 't4', 't5']],
        [{ not: { 'metadata.assignee': 'u1' } }, ['t3', 't4', 't5']],
        [{ not: { 'metadata.size': { gt: 5 } } }, ['t1', 't2', 't4']],
        [{ not: { or: [{ 'metadata.size': { gt: 5 } }, { status: 'created' }] } }, ['t2']],
        [{ not: { not: { status: 'created' } } }, ['t1', 't4']],
        [{ 'metadata.tags': 'b' }, ['t1', 't3']],
        [{ not: { 'metadata.tags': 'b' } }, ['t2', 't4', 't5']],
        [{ 'metadata.tags': { in: ['a', 'b'] } }, ['t1', 't3', 't4']],
        [{ 'metadata.place.city': { startsWith: 'Тв' } }, ['t5']],
        [{ entityId: { startsWith: 't' }, version: 1 }, ['t1', 't2', 't3', 't4', 't5']],
        [{ entityId: { gt: 't2', lte: 't4' } }, ['t3', 't4']],
        [{ createdBy: 'user:boris', updatedBy: { ne: 'user:anna' } }, ['t3', 't4', 't5']],
        [{ expiresAt: { exists: true } }, []],
        [{}, ['t1', 't2', 't3', 't4', 't5']],
      ]

      for (const [where, ids] of cases) {
        const reply = await call('POST', 'states/query', {
          entity: 'task',
          where,
          sort: 'entityId',
        })
        expect({ where, found: idsOf(reply) }).toEqual({ where, found: ids })
      }
    })

    test('what makes no sense is refused where it is wrong', async () => {
      const { call } = await createStateService({ place: await store.place() })
      const cases: [where: object, path: string][] = [
        [{ state: 'x' }, '/body/where/state'],
        [{ status: { like: 'x' } }, '/body/where/status/like'],
        [{ status: { in: [] } }, '/body/where/status/in'],
        [{ status: 5 }, '/body/where/status'],
        [{ or: [] }, '/body/where/or'],
        [{ or: [{ and: 'x' }] }, '/body/where/or/0/and'],
        [{ updatedAt: { gt: 'soon' } }, '/body/where/updatedAt/gt'],
        [{ 'metadata.a': { eq: null } }, '/body/where/metadata.a/eq'],
        [{ 'metadata.a': {} }, '/body/where/metadata.a'],
        [{ 'metadata.a': { gt: true } }, '/body/where/metadata.a/gt'],
        [{ 'metadata.a"b': 1 }, '/body/where/metadata.a"b'],
        [
          JSON.parse(`${'{"not":'.repeat(12)}{}${'}'.repeat(12)}`),
          `/body/where${'/not'.repeat(9)}`,
        ],
        [
          { or: Array.from({ length: 65 }, () => ({ status: 'created' })) },
          '/body/where/or/64/status',
        ],
      ]

      for (const [where, path] of cases) {
        const { body } = await call('POST', 'states/query', { entity: 'task', where })
        expect({ where, body }).toMatchObject({ body: { status: 400, errors: [{ path }] } })
      }
    })
  })

  test('arrays at indexed paths are found by their elements after every kind of change', async () => {
    const { call } = await seeded(store)
    const tagged = async (tag: string) =>
      idsOf(await call('GET', `states/task?metadata.tags=${tag}`))

    await call('PATCH', 'states/task/t1', { metadata: { tags: ['b', 'c', 'c', 7, null] } })
    expect([await tagged('a'), await tagged('c'), await tagged('7')]).toEqual([
      ['t4'],
      ['t1'],
      ['t1'],
    ])
    await call('DELETE', 'states/task/t1')
    expect([await tagged('c'), await tagged('b')]).toEqual([[], ['t3']])
    await call('POST', 'states/task', { entityId: 't1', metadata: { tags: ['c'] } })
    expect(await tagged('c')).toEqual(['t1'])
    const long = await call('PATCH', 'states/task/t1', {
      metadata: { tags: Array.from({ length: 257 }, (_, n) => n) },
    })
    expect(long.body).toMatchObject({ status: 422, code: 'STATES_INDEXED_ARRAY_TOO_LONG' })
  })
}

describeDatabases('queries', suite)

describePostgres('a page that an index serves', (store) => {
  test('waits for the store as long as a query may, and ends in the same error', async () => {
    const { app, call } = await createStateService({
      place: await store.place(),
      queryTimeoutMs: 200,
    })
    let isHeld = (): void => {}
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => void (isHeld = resolve))
    const over = new Promise<void>((resolve) => void (letGo = resolve))
    const locking = app.store.write(async (trx) => {
      await sql`lock table states in access exclusive mode`.execute(trx)
      isHeld()
      await over
    })
    await held

    const { body } = await call('GET', 'states/task?status=created')
    letGo()
    await locking

    expect(body).toMatchObject({
      status: 422,
      code: 'STATES_QUERY_TOO_EXPENSIVE',
      detail: expect.stringContaining('ask for fewer states at once') as string,
    })
    expect((await call('GET', 'states/task?status=created')).status).toBe(200)
  })
})

describeSqlite('an expensive query', (store) => {
  test('ends in its own error that says what to index, and delays nobody', async () => {
    const { app, call } = await createStateService({
      place: await store.place(),
      queryTimeoutMs: 1,
    })
    for (let batch = 0; batch < 5; batch += 1) {
      const operations = Array.from({ length: 1000 }, (_, n) => ({
        op: 'create',
        entity: 'task',
        entityId: `t${batch}-${n}`,
        metadata: { n },
      }))
      await call('POST', 'states/batch', { mode: 'atomic', operations })
    }
    const { body } = await call(
      'GET',
      'states/task?metadata.room=12&metadata.assignee=u1&sort=entityId',
    )

    expect(body).toMatchObject({
      status: 422,
      code: 'STATES_QUERY_TOO_EXPENSIVE',
      detail: expect.stringContaining(
        'declare metadata.room in the indexes of the machine task',
      ) as string,
      unindexed: ['metadata.room'].map((name) => name.slice('metadata.'.length)),
    })
    expect((await call('GET', 'states/task?status=created&limit=1')).status).toBe(200)
    expect(app.store.dialect).toBe('sqlite')
  })
})

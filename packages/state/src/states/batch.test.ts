import { expect, test } from 'vitest'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { createStateService } from '../testing/state-service.ts'

function suite(store: TestStore): void {
  const build = async () => createStateService({ place: await store.place() })
  const op = (name: string, entityId: string, rest: object = {}) => ({
    op: name,
    entity: 'task',
    entityId,
    ...rest,
  })

  test('partial: every operation for itself, on what the ones before it left', async () => {
    const { call } = await build()

    const { status, body } = await call('POST', 'states/batch', {
      mode: 'partial',
      operations: [
        op('create', 'a', { metadata: { tags: ['x'] } }),
        op('create', 'a'),
        op('update', 'a', { status: 'failed', ifVersion: 1 }),
        op('update', 'a', { status: 'pending', ifVersion: 1 }),
        op('patch', 'a', { metadata: { n: 1 } }),
        op('delete', 'a'),
        op('upsert', 'a', { status: 'in_progress' }),
        op('delete', 'none'),
        { op: 'create', entity: 'nothing', entityId: 'a' },
        op('upsert', 'b', { status: 'completed' }),
      ],
    })

    expect(status).toBe(200)
    expect(body).toMatchObject({ succeeded: 5, failed: 5 })
    expect(body.results.map((result: { status: number }) => result.status)).toEqual([
      201, 412, 200, 412, 200, 204, 201, 404, 404, 409,
    ])
    expect(body.results[3]).toMatchObject({
      index: 3,
      problem: { code: 'STATES_PRECONDITION_FAILED', currentVersion: 2 },
    })
    expect(body.results[8].problem).toMatchObject({ known: ['task', 'user', 'process'] })
    expect(body.results[6].state).toMatchObject({ version: 5, status: 'in_progress', metadata: {} })
    const history = await call('GET', 'states/task/a/history?order=asc')
    expect(
      history.body.items.map(({ version, newStatus }: Record<string, unknown>) => [
        version,
        newStatus,
      ]),
    ).toEqual([
      [1, 'created'],
      [2, 'failed'],
      [3, 'failed'],
      [4, null],
      [5, 'in_progress'],
    ])
    expect((await call('GET', 'events')).body.items).toHaveLength(5)
    expect((await call('GET', 'states/task?metadata.tags=x')).body.items).toEqual([])
  })

  test('atomic: all or none, and the problem names the first that failed', async () => {
    const { call } = await build()
    const batch = (status: string) => ({
      mode: 'atomic',
      operations: [op('create', 'a'), op('create', 'b', { status }), op('update', 'none')],
    })

    const refused = await call('POST', 'states/batch', batch('completed'))

    expect(refused.body).toMatchObject({
      status: 409,
      code: 'STATES_INVALID_TRANSITION',
      index: 1,
      to: 'completed',
      errors: [{ path: '/body/operations/1' }],
    })
    expect((await call('GET', 'states/task')).body.items).toEqual([])
    const done = await call('POST', 'states/batch', {
      mode: 'atomic',
      operations: [op('create', 'a'), op('create', 'b')],
    })
    expect(done.body).toMatchObject({ succeeded: 2, failed: 0 })
    expect((await call('GET', 'states/task?sort=entityId')).body.items).toMatchObject([
      { entityId: 'a' },
      { entityId: 'b' },
    ])
  })

  test('a thousand operations go in one write, one more is refused', async () => {
    const { app, call } = await build()
    const operations = Array.from({ length: 1000 }, (_, index) =>
      op('upsert', `t${index}`, { metadata: { index, tags: [`tag${index % 3}`] } }),
    )
    const before = app.store.stats().commits

    const { body } = await call('POST', 'states/batch', { mode: 'atomic', operations })
    const again = await call('POST', 'states/batch', {
      mode: 'atomic',
      operations: operations.map((one) => ({ ...one, status: 'pending' })),
    })
    const over = await call('POST', 'states/batch', {
      mode: 'atomic',
      operations: [...operations, op('create', 'over')],
    })

    expect(body).toMatchObject({ succeeded: 1000, failed: 0 })
    // On PostgreSQL the sequencer of the event log commits as well.
    expect(app.store.stats().commits).toBeLessThan(before + 12)
    expect(again.body.results[999].state).toMatchObject({ version: 2, metadata: { index: 999 } })
    expect(over.status).toBe(400)
    expect((await call('GET', 'states/task?count=true&status=pending')).body.total).toBe(1000)
    expect((await call('GET', 'states/task?count=true&metadata.tags=tag0')).body.total).toBe(334)
  })

  test('a thousand operations leave turns of the loop to others', async () => {
    const { call } = await build()
    const operations = Array.from({ length: 1000 }, (_, index) => op('upsert', `t${index}`))
    let turns = 0
    let isOver = false
    const turn = (): void => {
      turns += 1
      if (!isOver) setImmediate(turn)
    }

    turn()
    const { body } = await call('POST', 'states/batch', { mode: 'atomic', operations })
    isOver = true

    expect(body).toMatchObject({ succeeded: 1000 })
    // Each part of the work is cut into ten.
    expect(turns).toBeGreaterThan(30)
  })

  test('a batch with an Idempotency-Key is done once', async () => {
    const { call } = await build()
    const send = () =>
      call(
        'POST',
        'states/batch',
        { mode: 'partial', operations: [op('create', 'a'), op('create', 'a')] },
        { 'idempotency-key': 'k' },
      )

    const first = await send()

    expect((await send()).body).toEqual(first.body)
    expect(first.body).toMatchObject({ succeeded: 1, failed: 1 })
  })

  test('batches over the same entities in opposite order do not block each other', async () => {
    const { call } = await build()
    const ids = Array.from({ length: 20 }, (_, index) => `t${index}`)
    const send = (order: string[], n: number) =>
      call('POST', 'states/batch', {
        mode: 'atomic',
        operations: order.map((id) => op('upsert', id, { metadata: { n } })),
      })

    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, n) => send(n % 2 === 0 ? ids : ids.toReversed(), n)),
    )

    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
    const { body } = await call('GET', 'states/task')
    expect(new Set(body.items.map((item: { version: number }) => item.version))).toEqual(
      new Set([10]),
    )
  })
}

describeDatabases('batch', suite)

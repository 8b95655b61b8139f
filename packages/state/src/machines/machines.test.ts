import { expect, test } from 'vitest'
import { describeDatabases, describePostgres, type TestStore } from '@potok/core/testing/databases'
import { createStateService } from '../testing/state-service.ts'

const order = {
  statuses: ['draft', 'approved', 'rejected'],
  initial: ['draft'],
  transitions: { draft: ['approved', 'rejected'], rejected: ['draft'] },
}

function suite(store: TestStore): void {
  const build = async () => createStateService({ place: await store.place() })

  test('the built-in rules are told and cannot be replaced', async () => {
    const { call } = await build()

    const list = await call('GET', 'machines')
    const task = await call('GET', 'machines/task')

    expect(list.body.items.map((item: { entity: string }) => item.entity)).toEqual([
      'task',
      'user',
      'process',
    ])
    expect(task).toMatchObject({
      headers: { etag: '"1"' },
      body: {
        version: 1,
        builtIn: true,
        initial: ['created', 'pending', 'in_progress'],
        transitions: { completed: ['in_progress'] },
        indexes: ['assignee', 'priority', 'tags', 'dueAt'],
      },
    })
    expect((await call('PUT', 'machines/task', order)).body).toMatchObject({
      status: 409,
      code: 'MACHINES_BUILT_IN',
    })
    expect((await call('GET', 'machines/nothing')).body).toMatchObject({
      status: 404,
      code: 'STATES_UNKNOWN_ENTITY',
      known: ['task', 'user', 'process'],
    })
    expect((await call('PUT', 'machines/query', order)).status).toBe(400)
  })

  test('rules of users come into force, by version, and stand on every history row', async () => {
    const { call } = await build()

    const created = await call('PUT', 'machines/order', order)
    await call('POST', 'states/order', { entityId: 'o1' })
    const same = await call('PUT', 'machines/order', order)
    const changed = await call('PUT', 'machines/order', {
      ...order,
      transitions: { ...order.transitions, approved: ['draft'] },
    })
    await call('PUT', 'states/order/o1', { status: 'approved' })
    await call('PUT', 'states/order/o1', { status: 'draft' })

    expect(created).toMatchObject({
      status: 201,
      headers: { etag: '"1"' },
      body: { entity: 'order', version: 1, builtIn: false, ...order },
    })
    expect(same).toMatchObject({ status: 200, body: created.body })
    expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: { version: 2 } })
    const history = await call('GET', 'states/order/o1/history?order=asc')
    expect(
      history.body.items.map(({ machineVersion }: Record<string, unknown>) => machineVersion),
    ).toEqual([1, 2, 2])
    expect((await call('GET', 'machines/order?version=1')).body).toEqual(created.body)
    expect((await call('GET', 'machines/order?version=9')).body.code).toBe(
      'MACHINES_VERSION_NOT_FOUND',
    )
    expect((await call('GET', 'machines')).body.items).toHaveLength(4)
  })

  test('conditional requests work on the version', async () => {
    const { call } = await build()
    await call('PUT', 'machines/order', order)
    const put = (headers: Record<string, string>) =>
      call('PUT', 'machines/order', { ...order, indexes: ['a'] }, headers)

    expect((await put({ 'if-match': '"2"' })).body).toMatchObject({ status: 412, version: 1 })
    expect((await put({ 'if-none-match': '*' })).status).toBe(412)
    expect((await put({ 'if-match': '"1"' })).body.version).toBe(2)
    const read = await call('GET', 'machines/order', undefined, { 'if-none-match': '"2"' })
    expect(read).toMatchObject({ status: 304, body: undefined })
  })

  test('rules that contradict themselves are refused with the places', async () => {
    const { call } = await build()

    const { body } = await call('PUT', 'machines/order', {
      statuses: ['draft', 'approved'],
      initial: ['draft', 'new'],
      transitions: { draft: ['done'], gone: ['draft'] },
      expiry: {
        draft: { afterSeconds: 5, to: 'lost' },
        approved: { afterSeconds: 5, to: 'approved' },
      },
    })

    expect(body).toMatchObject({ status: 422, code: 'MACHINES_DEFINITION_INVALID' })
    expect(body.errors.map(({ path }: { path: string }) => path)).toEqual([
      '/body/initial/1',
      '/body/transitions/draft/0',
      '/body/transitions/gone',
      '/body/expiry/draft/to',
      '/body/expiry/approved/to',
    ])
  })

  test('what new rules would strand is listed by a dry run, and refused unless forced', async () => {
    const { call } = await build()
    await call('PUT', 'machines/order', order)
    await call('POST', 'states/order', { entityId: 'o1' })
    await call('POST', 'states/order', { entityId: 'o2' })
    await call('PUT', 'states/order/o2', { status: 'rejected' })
    const narrow = {
      statuses: ['draft', 'approved'],
      initial: ['draft'],
      transitions: { draft: ['approved'] },
    }
    const stranded = { strandedTotal: 1, stranded: [{ entityId: 'o2', status: 'rejected' }] }

    const dry = await call('PUT', 'machines/order?dryRun=true', narrow)
    const refused = await call('PUT', 'machines/order', narrow)
    const forced = await call('PUT', 'machines/order?force=true', narrow)

    expect(dry).toMatchObject({ status: 200, body: stranded })
    expect(refused.body).toMatchObject({ status: 409, code: 'MACHINES_WOULD_STRAND', ...stranded })
    expect(forced.body.version).toBe(2)
    expect((await call('GET', 'states/order?status=rejected')).body.items).toHaveLength(1)
    expect((await call('GET', 'states/order/o2/transitions')).body.allowed).toEqual(['draft'])
    expect((await call('PUT', 'states/order/o2', { status: 'approved' })).status).toBe(409)
    expect((await call('PUT', 'states/order/o2', { status: 'draft' })).body.version).toBe(3)
  })

  test('declared metadata paths are indexed, for what is stored already and what comes', async () => {
    const { app, call } = await build()
    await call('PUT', 'machines/order', order)
    await call('POST', 'states/order', {
      entityId: 'o1',
      metadata: { customer: { city: 'Тверь' }, labels: ['a', 'b', true, 7, null, ['x']] },
    })
    const find = async (query: string) =>
      (await call('GET', `states/order?${query}`)).body.items.map(
        ({ entityId }: Record<string, unknown>) => entityId,
      )

    await call('PUT', 'machines/order', { ...order, indexes: ['customer.city', 'labels'] })
    await call('POST', 'states/order', {
      entityId: 'o2',
      metadata: { customer: { city: 'Ржев' }, labels: ['b'] },
    })

    expect(await find(`metadata.customer.city=${encodeURIComponent('Тверь')}`)).toEqual(['o1'])
    expect(await find('metadata.labels=b')).toEqual(['o2', 'o1'])
    expect(await find('metadata.labels=true')).toEqual(['o1'])
    expect(await find('metadata.labels=7')).toEqual(['o1'])
    await call('PUT', 'machines/order', order)
    expect(await find('metadata.labels=b')).toEqual(['o2', 'o1'])
    const left = await app.store.kysely.selectFrom('state_elements').selectAll().execute()
    expect(left).toEqual([])
  })

  test('a drawing in Mermaid shows beginnings, ends and expiries', async () => {
    const { call } = await build()

    const { headers, body } = await call('GET', 'machines/user?format=mermaid')

    expect(headers['content-type']).toBe('text/vnd.mermaid; charset=utf-8')
    expect(body).toContain('stateDiagram-v2\n  [*] --> offline\n')
    expect(body).toContain('  online --> offline: after 90 s\n')
    expect((await call('GET', 'machines/process?format=mermaid')).body).toContain(
      'finished --> [*]',
    )
  })
}

describeDatabases('machines', suite)

describePostgres('replicas', (store) => {
  test('an index is made while writers go on, and is there when its rules are in force', async () => {
    const { app, call } = await createStateService({ place: await store.place() })
    await call('PUT', 'machines/order', order)
    await call('POST', 'states/order', { entityId: 'a', metadata: { city: 'Тверь' } })
    let isHeld = (): void => {}
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => void (isHeld = resolve))
    const over = new Promise<void>((resolve) => void (letGo = resolve))
    // The index waits for this write; nobody else does.
    const open = app.store.write(async (trx) => {
      await trx.updateTable('states').set({ reason: 'long' }).where('entity_id', '=', 'a').execute()
      isHeld()
      await over
    })
    await held

    const putting = call('PUT', 'machines/order', { ...order, indexes: ['city'] })
    const meanwhile = await call('POST', 'states/order', {
      entityId: 'b',
      metadata: { city: 'Тверь' },
    })
    letGo()
    await open

    expect(meanwhile.status).toBe(201)
    expect((await putting).body).toMatchObject({ version: 2, indexes: ['city'] })
    expect((await call('GET', 'states/order?metadata.city=Тверь')).body.items).toHaveLength(2)
  })

  test('all obey the rules in force from the moment they are acknowledged', async () => {
    const place = await store.place()
    const first = await createStateService({ place })
    const second = await createStateService({ place })
    const leadingTo = (status: string) => ({
      statuses: ['draft', status],
      initial: ['draft'],
      transitions: { draft: [status], [status]: ['draft'] },
    })
    await first.call('PUT', 'machines/order', leadingTo('approved'))
    await second.call('POST', 'states/order', { entityId: 'o1' })

    for (const status of ['rejected', 'approved', 'rejected', 'approved']) {
      await first.call('PUT', 'machines/order', leadingTo(status))
      const moved = await second.call('PUT', 'states/order/o1', { status })
      await second.call('PUT', 'states/order/o1', { status: 'draft' })
      expect(moved).toMatchObject({ status: 200, body: { status } })
    }
    expect((await second.call('GET', 'machines/order')).body.version).toBe(5)
  })

  test('no write slips between the look for stranded entities and the new rules', async () => {
    const place = await store.place()
    const first = await createStateService({ place })
    const second = await createStateService({ place })
    await first.call('PUT', 'machines/order', order)
    const narrow = { statuses: ['draft'], initial: ['draft'], transitions: {} }

    for (let round = 0; round < 15; round += 1) {
      const id = `o${round}`
      await second.call('POST', 'states/order', { entityId: id })
      const [put, move] = await Promise.all([
        first.call('PUT', 'machines/order', narrow),
        second.call('PUT', `states/order/${id}`, { status: 'approved' }),
      ])
      const outcome = [put.status, move.status]
      // Either the rules came first and forbade the move, or the move came first and holds up the rules.
      expect([
        [200, 422],
        [409, 200],
      ]).toContainEqual(outcome)
      await second.call('DELETE', `states/order/${id}`)
      await first.call('PUT', 'machines/order?force=true', order)
    }
  })
})

import { describe, expect, test } from 'vitest'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { createStateService } from '../testing/state-service.ts'

const readme = {
  entityId: 'task_123',
  status: 'in_progress',
  metadata: { assignee: 'user_789', priority: 'high' },
}

const asPerson = (id: string, scope?: 'own') => ({
  'x-actor': `user:${id}`,
  ...(scope === undefined ? {} : { 'x-actor-scope': scope }),
})

function suite(store: TestStore): void {
  const build = async () => createStateService({ place: await store.place() })

  describe('writing', () => {
    test('the body of the README creates a state, with its place, its version and its creator', async () => {
      const { call } = await build()

      const { status, headers, body } = await call('POST', 'states/task', readme)

      expect(status).toBe(201)
      expect(headers).toMatchObject({ etag: '"1"', location: '/api/v1/states/task/task_123' })
      expect(body).toEqual({
        entity: 'task',
        ...readme,
        version: 1,
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u),
        createdBy: 'service:gateway',
        updatedAt: body.createdAt,
        updatedBy: 'service:gateway',
      })
      expect((await call('GET', String(headers['location']))).body).toEqual(body)
    })

    test('a POST to what exists is a transition that keeps what it does not name', async () => {
      const { call } = await build()
      await call('POST', 'states/task', readme)

      const { status, body } = await call('POST', 'states/task', {
        entityId: 'task_123',
        status: 'completed',
        reason: 'all done',
      })

      expect(status).toBe(200)
      expect(body).toMatchObject({
        status: 'completed',
        version: 2,
        metadata: readme.metadata,
        reason: 'all done',
      })
    })

    test('PUT replaces metadata, PATCH merges them; neither creates', async () => {
      const { call } = await build()
      await call('POST', 'states/task', readme)

      const put = await call('PUT', 'states/task/task_123', {
        metadata: { title: 'a', n: { x: 1 } },
      })
      const patch = await call('PATCH', 'states/task/task_123', {
        metadata: { title: null, n: { y: 2 } },
      })

      expect(put.body).toMatchObject({ version: 2, metadata: { title: 'a', n: { x: 1 } } })
      expect(patch.body).toMatchObject({ version: 3, metadata: { n: { x: 1, y: 2 } } })
      expect((await call('PUT', 'states/task/none', { status: 'pending' })).body).toMatchObject({
        status: 404,
        code: 'STATES_NOT_FOUND',
      })
      expect((await call('PATCH', 'states/task/none', { status: 'pending' })).status).toBe(404)
    })

    test('a forbidden transition says what is allowed, also for a first status', async () => {
      const { call } = await build()
      await call('POST', 'states/task', { entityId: 'a', status: 'in_progress' })
      await call('PUT', 'states/task/a', { status: 'completed' })

      const { status, body } = await call('PUT', 'states/task/a', { status: 'failed' })
      const first = await call('POST', 'states/task', { entityId: 'b', status: 'completed' })

      expect(status).toBe(409)
      expect(body).toMatchObject({
        code: 'STATES_INVALID_TRANSITION',
        from: 'completed',
        to: 'failed',
        allowed: ['in_progress'],
      })
      expect(first.body).toMatchObject({
        status: 409,
        code: 'STATES_INVALID_TRANSITION',
        from: null,
        to: 'completed',
        allowed: ['created', 'pending', 'in_progress'],
      })
    })

    test('what the rules or the store cannot take is refused, and nothing is stored', async () => {
      const { call } = await build()
      const cases: [what: string, entity: string, body: object, status: number, code: string][] = [
        [
          'an unknown status',
          'task',
          { entityId: 'a', status: 'done' },
          422,
          'STATES_UNKNOWN_STATUS',
        ],
        ['an unknown entity type', 'order', { entityId: 'a' }, 404, 'STATES_UNKNOWN_ENTITY'],
        ['a reserved word', 'list', { entityId: 'a' }, 400, 'REQUEST_INVALID'],
        ['a bad id', 'task', { entityId: 'a b' }, 400, 'REQUEST_INVALID'],
        ['an unknown field', 'task', { entityId: 'a', state: 'x' }, 400, 'REQUEST_INVALID'],
        [
          'a ttl without expiry',
          'task',
          { entityId: 'a', ttlSeconds: 5 },
          422,
          'STATES_NO_TIME_TO_LIVE',
        ],
        [
          'too much metadata',
          'task',
          { entityId: 'a', metadata: { a: 'x'.repeat(5000) } },
          422,
          'STATES_METADATA_TOO_LARGE',
        ],
        ['a NUL', 'task', { entityId: 'a', metadata: { a: '\0' } }, 422, 'TEXT_NOT_STORABLE'],
      ]

      for (const [what, entity, given, status, code] of cases) {
        const { body } = await call('POST', `states/${entity}`, given)
        expect({ what, body }).toMatchObject({ what, body: { status, code } })
      }
      expect((await call('GET', 'states/task')).body).toEqual({ items: [] })
    })

    test('unknown names come with the known ones', async () => {
      const { call } = await build()

      const status = await call('POST', 'states/user', { entityId: 'a', status: 'away' })
      const entity = await call('GET', 'states/nothing/a')

      expect(status.body.known).toEqual(['online', 'offline', 'busy'])
      expect(entity.body.known).toEqual(['task', 'user', 'process'])
    })

    test('deeply nested metadata are refused before any store stumbles over them', async () => {
      const { call } = await build()
      const deep = JSON.parse(`${'{"a":'.repeat(600)}1${'}'.repeat(600)}`)

      const reply = await call('POST', 'states/task', { entityId: 'a', metadata: deep })

      expect(reply.body).toMatchObject({ status: 422, code: 'STATES_METADATA_TOO_DEEP' })
    })

    test('a write that changes nothing makes no version, no history and no event', async () => {
      const { call } = await build()
      await call('POST', 'states/task', readme)

      const same = await call('POST', 'states/task', { ...readme, reason: 'again' })
      const patched = await call('PATCH', 'states/task/task_123', {
        metadata: { priority: 'high' },
      })

      expect(same).toMatchObject({ status: 200, headers: { etag: '"1"' }, body: { version: 1 } })
      expect(patched.body.version).toBe(1)
      expect((await call('GET', 'states/task/task_123/history')).body.items).toHaveLength(1)
      expect((await call('GET', 'events')).body.items).toHaveLength(1)
    })

    test('metadata come back as they were written', async () => {
      const { call } = await build()
      const metadata = {
        text: 'Подготовить «отчёт» \\ "q" \n\u2028😀',
        number: -1.5e-7,
        big: 9007199254740991,
        list: [1, 'a', null, [true], {}],
        object: { null: null, '': 'empty', 'a.b': 1, "it's": 2 },
      }

      const { body } = await call('POST', 'states/task', { entityId: 'a', metadata })

      expect(body.metadata).toEqual(metadata)
      expect((await call('GET', 'states/task/a')).body.metadata).toEqual(metadata)
      expect((await call('GET', 'states/task')).body.items[0].metadata).toEqual(metadata)
      expect((await call('GET', 'states/task/a/history')).body.items[0].metadata).toEqual(metadata)
    })

    test('a deletion leaves a tombstone; a later creation goes on counting', async () => {
      const { call } = await build()
      await call('POST', 'states/task', readme)

      const deleted = await call('DELETE', 'states/task/task_123?reason=a%20mistake')
      const gone = await call('GET', 'states/task/task_123')
      const history = await call('GET', 'states/task/task_123/history')
      const again = await call('POST', 'states/task', { entityId: 'task_123' })

      expect(deleted).toMatchObject({ status: 204, body: undefined })
      expect(gone.body).toMatchObject({ status: 404, code: 'STATES_NOT_FOUND' })
      expect((await call('DELETE', 'states/task/none')).status).toBe(404)
      expect(history.body.items[0]).toMatchObject({
        version: 2,
        event: 'entity.deleted',
        previousStatus: 'in_progress',
        newStatus: null,
        reason: 'a mistake',
      })
      expect(again).toMatchObject({
        status: 201,
        body: { version: 3, status: 'created', metadata: {} },
      })
      expect(again.body).not.toHaveProperty('reason')
    })

    test('every change is in the event log, in the order of its versions', async () => {
      const { call } = await build()
      await call(
        'POST',
        'states/task',
        { entityId: 'a' },
        { ...asPerson('u1'), 'x-correlation-id': 'c-1' },
      )
      await call('PUT', 'states/task/a', { status: 'failed', reason: 'no time' })
      await call('DELETE', 'states/task/a')

      const { body } = await call('GET', 'events')

      expect(body.items.map((item: { event: string }) => item.event)).toEqual([
        'entity.created',
        'entity.updated',
        'entity.deleted',
      ])
      expect(body.items[0].data).toEqual({
        entity: 'task',
        id: 'a',
        previousStatus: null,
        newStatus: 'created',
        metadata: {},
        version: 1,
        actor: 'user:u1',
        reason: null,
        correlationId: 'c-1',
      })
      expect(body.items[2].data).toMatchObject({
        previousStatus: 'failed',
        newStatus: null,
        version: 3,
      })
    })

    test('a change is logged with the fields of the README', async () => {
      const { call, lines } = await build()
      await call('POST', 'states/task', { entityId: 'task_123', status: 'pending' })
      await call('PUT', 'states/task/task_123', { status: 'in_progress' })

      expect(lines.find(({ message }) => message === 'State updated successfully')).toMatchObject({
        level: 'info',
        context: 'StateService',
        entityType: 'task',
        entityId: 'task_123',
        previousStatus: 'pending',
        newStatus: 'in_progress',
      })
    })
  })

  describe('conditions', () => {
    test('a read that names the version it has gets 304', async () => {
      const { call } = await build()
      await call('POST', 'states/task', readme)
      const ask = (tag: string) =>
        call('GET', 'states/task/task_123', undefined, { 'if-none-match': tag })

      expect(await ask('"1"')).toMatchObject({
        status: 304,
        body: undefined,
        headers: { etag: '"1"' },
      })
      expect((await ask('W/"1"')).status).toBe(304)
      expect((await ask('"2"')).status).toBe(200)
      expect((await ask('1')).body).toMatchObject({ status: 400, code: 'REQUEST_INVALID' })
    })

    test('a write on a stale version is refused with the version that there is', async () => {
      const { call } = await build()
      await call('POST', 'states/task', readme)
      await call('PATCH', 'states/task/task_123', { metadata: { n: 1 } })
      const write = (tag: string) =>
        call('PUT', 'states/task/task_123', { status: 'completed' }, { 'if-match': tag })

      expect((await write('"1"')).body).toMatchObject({
        status: 412,
        code: 'STATES_PRECONDITION_FAILED',
        currentVersion: 2,
      })
      expect((await write('W/"2"')).status).toBe(412)
      expect((await write('"2"')).body).toMatchObject({ status: 'completed', version: 3 })
      expect(
        (await call('DELETE', 'states/task/task_123', undefined, { 'if-match': '"2"' })).status,
      ).toBe(412)
    })

    test('staleness is told before what the newer status would forbid', async () => {
      const { call } = await build()
      await call('POST', 'states/task', readme)
      await call('PUT', 'states/task/task_123', { status: 'completed' })

      const { status } = await call(
        'PUT',
        'states/task/task_123',
        { status: 'failed' },
        { 'if-match': '"1"' },
      )

      expect(status).toBe(412)
    })

    test('If-None-Match: * only creates', async () => {
      const { call } = await build()
      const create = () => call('POST', 'states/task', readme, { 'if-none-match': '*' })

      expect((await create()).status).toBe(201)
      expect((await create()).body).toMatchObject({
        status: 412,
        code: 'STATES_ALREADY_EXISTS',
        currentVersion: 1,
      })
    })

    test('If-Match on what does not exist does not create it', async () => {
      const { call } = await build()

      const { status } = await call('POST', 'states/task', readme, { 'if-match': '"1"' })

      expect(status).toBe(412)
      expect((await call('GET', 'states/task/task_123')).status).toBe(404)
    })
  })

  describe('somebody who may change only what is theirs', () => {
    test('may create, change what they created, and change what is assigned to them', async () => {
      const { call } = await build()
      const own = asPerson('u1', 'own')

      const created = await call('POST', 'states/task', { entityId: 'mine' }, own)
      const changed = await call('PUT', 'states/task/mine', { status: 'pending' }, own)
      await call('POST', 'states/task', { entityId: 'given', metadata: { assignee: 'u1' } })
      const given = await call('PUT', 'states/task/given', { status: 'pending' }, own)

      expect(created).toMatchObject({ status: 201, body: { createdBy: 'user:u1' } })
      expect(changed.status).toBe(200)
      expect(given).toMatchObject({ status: 200, body: { updatedBy: 'user:u1' } })
    })

    test('may not touch what is somebody else’s', async () => {
      const { call } = await build()
      await call('POST', 'states/task', { entityId: 'other', metadata: { assignee: 'u2' } })
      const cases = [
        ['PUT', 'states/task/other', { status: 'pending' }],
        ['PATCH', 'states/task/other', { metadata: { assignee: 'u1' } }],
        ['DELETE', 'states/task/other', undefined],
        ['POST', 'states/task', { entityId: 'other', status: 'pending' }],
      ] as const

      for (const [method, url, given] of cases) {
        const { body } = await call(method, url, given, asPerson('u1', 'own'))
        expect({ method, body }).toMatchObject({
          method,
          body: { status: 403, code: 'STATES_NOT_OWNER' },
        })
      }
      expect((await call('GET', 'states/task/other')).body.version).toBe(1)
    })
  })

  describe('Idempotency-Key', () => {
    const once = { 'idempotency-key': '"8e03978e-40d5-43dd-bc93-6894a57f9324"' }

    test('the second request gets the answer of the first and changes nothing', async () => {
      const { call } = await build()
      await call('POST', 'states/task', readme)
      const write = () => call('PUT', 'states/task/task_123', { status: 'completed' }, once)

      const first = await write()
      await call('PUT', 'states/task/task_123', { status: 'in_progress' })
      const second = await write()

      expect(second).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: first.body })
      expect((await call('GET', 'states/task/task_123')).body.version).toBe(3)
    })

    test('a creation keeps its 201 and its location, a deletion its 204', async () => {
      const { call } = await build()
      const create = () => call('POST', 'states/task', readme, once)
      const remove = () => call('DELETE', 'states/task/task_123', undefined, once)

      const created = await create()
      expect(await create()).toMatchObject({
        status: 201,
        headers: { location: '/api/v1/states/task/task_123' },
        body: created.body,
      })
      expect((await remove()).status).toBe(204)
      expect(await remove()).toMatchObject({ status: 204, body: undefined })
    })

    test('another payload is refused; another caller, actor or path is another request', async () => {
      const { call } = await build()
      await call('POST', 'states/task', { entityId: 'a' }, once)

      const other = await call('POST', 'states/task', { entityId: 'b' }, once)
      const person = await call(
        'POST',
        'states/task',
        { entityId: 'c' },
        { ...once, ...asPerson('u') },
      )
      const service = await call(
        'POST',
        'states/task',
        { entityId: 'd' },
        {
          ...once,
          'x-api-key': 'admin-service-key',
        },
      )
      const path = await call('POST', 'states/process', { entityId: 'a' }, once)

      expect(other.body).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' })
      expect([person.status, service.status, path.status]).toEqual([201, 201, 201])
    })

    test('a refusal is not remembered', async () => {
      const { call } = await build()
      const write = () => call('PUT', 'states/task/task_123', { status: 'completed' }, once)

      expect((await write()).status).toBe(404)
      await call('POST', 'states/task', readme)
      expect((await write()).status).toBe(200)
    })

    test('duplicates at the same moment do it once and get one answer', async () => {
      const { call } = await build()
      const writes = Array.from({ length: 8 }, () =>
        call('POST', 'states/task', { entityId: 'a', metadata: { n: 1 } }, once),
      )

      const replies = await Promise.all(writes)

      expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 201))
      expect(new Set(replies.map(({ body }) => JSON.stringify(body))).size).toBe(1)
      expect((await call('GET', 'states/task/a/history')).body.items).toHaveLength(1)
    })
  })

  describe('the past', () => {
    async function withPast() {
      const service = await build()
      const { app, call } = service
      const times: string[] = []
      for (const [index, status] of ['created', 'pending', 'in_progress', 'completed'].entries()) {
        app.store.setClockOffset(index * 60_000)
        const { body } = await call('POST', 'states/task', {
          entityId: 'a',
          status,
          metadata: { index },
        })
        times.push(body.updatedAt)
      }
      return { ...service, times }
    }

    test('every version can be read as it was', async () => {
      const { call, times } = await withPast()

      const second = await call('GET', 'states/task/a?version=2')

      expect(second).toMatchObject({
        status: 200,
        headers: { etag: '"2"' },
        body: {
          status: 'pending',
          version: 2,
          metadata: { index: 1 },
          createdAt: times[0],
          updatedAt: times[1],
        },
      })
      expect((await call('GET', 'states/task/a?version=5')).body).toMatchObject({
        status: 404,
        code: 'STATES_VERSION_NOT_FOUND',
      })
    })

    test('a time shows the version that held then', async () => {
      const { app, call, times } = await withPast()
      const at = async (time: number) =>
        (await call('GET', `states/task/a?at=${new Date(time).toISOString()}`)).body
      const [first, , third] = times.map((time) => Date.parse(time))
      app.store.setClockOffset(600_000)
      await call('DELETE', 'states/task/a')

      expect(await at((first ?? 0) - 1)).toMatchObject({ code: 'STATES_VERSION_NOT_FOUND' })
      expect(await at(first ?? 0)).toMatchObject({ version: 1 })
      expect(await at((third ?? 0) - 1)).toMatchObject({ version: 2 })
      expect(await at(third ?? 0)).toMatchObject({ version: 3, status: 'in_progress' })
      expect(await at((third ?? 0) + 590_000)).toMatchObject({ status: 404 })
    })

    test('both at once is one question too many', async () => {
      const { call, times } = await withPast()

      const { body } = await call('GET', `states/task/a?version=1&at=${times[0]}`)

      expect(body).toMatchObject({ status: 400, errors: [{ path: '/querystring/version' }] })
    })

    test('times never fall from version to version, even when the clock does', async () => {
      const { app, call } = await build()
      app.store.setClockOffset(60_000)
      const first = await call('POST', 'states/task', { entityId: 'a' })
      app.store.setClockOffset(0)

      const second = await call('PUT', 'states/task/a', { status: 'pending' })

      expect(second.body.updatedAt).toBe(first.body.updatedAt)
      expect((await call('GET', `states/task/a?at=${first.body.updatedAt}`)).body.version).toBe(2)
    })

    test('history comes in pages, from either end', async () => {
      const { call } = await withPast()
      const versions = (reply: { body: { items: { version: number }[] } }) =>
        reply.body.items.map(({ version }) => version)

      const newest = await call('GET', 'states/task/a/history?limit=3')
      const rest = await call(
        'GET',
        `states/task/a/history?limit=3&cursor=${newest.body.nextCursor}`,
      )
      const oldest = await call('GET', 'states/task/a/history?order=asc&limit=2')
      const on = await call(
        'GET',
        `states/task/a/history?order=asc&limit=2&cursor=${oldest.body.nextCursor}`,
      )

      expect(versions(newest)).toEqual([4, 3, 2])
      expect(versions(rest)).toEqual([1])
      expect(rest.body).not.toHaveProperty('nextCursor')
      expect([...versions(oldest), ...versions(on)]).toEqual([1, 2, 3, 4])
      expect(newest.body.items[0]).toMatchObject({
        event: 'entity.updated',
        previousStatus: 'in_progress',
        newStatus: 'completed',
        actor: 'service:gateway',
        correlationId: expect.any(String),
        machineVersion: 1,
      })
      expect((await call('GET', 'states/task/none/history')).body.code).toBe('STATES_NOT_FOUND')
    })

    test('transitions tell what may come next, and why the rest may not', async () => {
      const { call } = await withPast()

      const { body } = await call('GET', 'states/task/a/transitions')

      expect(body).toMatchObject({ status: 'completed', version: 4, allowed: ['in_progress'] })
      expect(body.refused).toContainEqual({
        status: 'completed',
        reason: 'it is the current status',
      })
      expect(body.refused).toContainEqual({
        status: 'failed',
        reason: 'after completed only in_progress may come',
      })
    })
  })
}

describeDatabases('states', suite)

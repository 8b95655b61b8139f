import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import cache from '../cache/index.ts'
import events from '../events/index.ts'
import machines from '../machines/index.ts'
import { cacheOptions, externalDbOptions } from '../plugin-options.ts'
import states from '../states/index.ts'
import { documentService, type DocumentService } from '../testing/document-service.ts'
import { createService } from '../testing/service.ts'
import { callerOf } from '../testing/state-service.ts'
import externalDb from './index.ts'

type Place = Awaited<ReturnType<TestStore['place']>>

/** The state service with an external DB. Two with one place are replicas, or one after its restart. */
async function build(place: Place, { url }: Pick<DocumentService, 'url'>, env = {}) {
  const { app, config } = await createService({
    place,
    env: { EXTERNAL_DB_URL: url, DB_CONNECTION_TIMEOUT: '2000', DB_RETRY_ATTEMPTS: '1', ...env },
  })
  await app.register(events, { retentionDays: 30, maxStreams: 4 })
  await app.register(cache, cacheOptions(config))
  await app.register(externalDb, { ...externalDbOptions(config), pollMs: 50 })
  await app.register(machines)
  await app.register(states, {
    cache: app.stateCache,
    elsewhere: app.externalDb,
    metadataLimitBytes: 65_536,
    sweepMs: 3_600_000,
  })
  await app.ready()
  const call = callerOf(app)
  const overview = async () => (await call('GET', 'external-db')).body
  return {
    app,
    call,
    overview,
    write: async (id: string, n = 0): Promise<number> =>
      (await call('POST', 'states/task', { entityId: id, metadata: { n } })).body.version,
    drained: () => eventually(async () => expect(await overview()).toMatchObject({ backlog: 0 })),
  }
}

describeDatabases('the external DB', (store) => {
  test('gets the newest version of every changed state, under our key and the correlation of the change', async () => {
    const service = await documentService()
    await service.open()
    const { call, drained } = await build(await store.place(), service)

    await call('POST', 'states/task', { entityId: 't1', metadata: { title: 'Отчёт' } })
    const { body } = await call(
      'PUT',
      'states/task/t1',
      { status: 'in_progress' },
      {
        'x-correlation-id': 'c-42',
      },
    )
    await drained()

    expect(service.documents.get('task:t1')).toEqual({
      entityType: 'task',
      entityId: 't1',
      status: 'in_progress',
      version: 2,
      metadata: { title: 'Отчёт' },
      timestamp: body.updatedAt,
    })
    expect(service.exchanges.at(-1)).toMatchObject({
      method: 'PUT',
      key: 'state-service-key',
      correlationId: 'c-42',
    })
  })

  test('hears of a delete with its version, and of what comes after it', async () => {
    const service = await documentService()
    await service.open()
    const { call, write, drained } = await build(await store.place(), service)
    await write('t1')
    await drained()

    await call('DELETE', 'states/task/t1')
    await drained()
    expect(service.exchanges.at(-1)).toMatchObject({ method: 'DELETE', version: 2 })
    expect(service.documents.size).toBe(0)
    await write('t1')
    await drained()

    expect(service.documents.get('task:t1')).toMatchObject({ version: 3 })
  })

  test('is not told of what was rolled back', async () => {
    const service = await documentService()
    await service.open()
    const { call, overview } = await build(await store.place(), service)

    const { status } = await call('POST', 'states/batch', {
      mode: 'atomic',
      operations: [
        { op: 'create', entity: 'task', entityId: 't1' },
        { op: 'update', entity: 'task', entityId: 'absent', status: 'failed' },
      ],
    })

    expect(status).toBe(404)
    expect(await overview()).toMatchObject({ backlog: 0 })
    expect(service.exchanges).toEqual([])
  })

  test('away for a while: states go on, one version of each waits, and it is there afterwards', async () => {
    const service = await documentService()
    const { app, call, write, overview, drained } = await build(await store.place(), service)
    for (let n = 0; n < 10; n += 1) {
      for (const id of ['t1', 't2', 't3']) expect(await write(id, n)).toBe(n + 1)
    }
    await eventually(async () => expect(await overview()).toMatchObject({ status: 'away' }))
    expect((await overview()).backlog).toBe(3)
    expect((await call('GET', '/health/readiness')).body).toEqual({
      ready: true,
      externalDb: false,
    })
    expect((await call('GET', '/health')).body).toMatchObject({
      status: 'degraded',
      info: { externalDb: { status: 'down', parked: 0 } },
    })
    expect(await app.registry.metrics()).toMatch(/external_db_backlog 3/u)

    await service.open()
    await drained()

    for (const id of ['t1', 't2', 't3']) {
      expect(service.documents.get(`task:${id}`)).toMatchObject({ version: 10, metadata: { n: 9 } })
    }
    expect(service.exchanges).toHaveLength(3)
    await eventually(async () =>
      expect((await call('GET', '/health/readiness')).body).toEqual({
        ready: true,
        externalDb: true,
      }),
    )
  })

  test('what waits survives a restart', async () => {
    const service = await documentService()
    const place = await store.place()
    const before = await build(place, service)
    await before.write('t1')
    await before.app.close()
    await service.open()

    const after = await build(place, service)
    await after.drained()

    expect(service.documents.get('task:t1')).toMatchObject({ version: 1 })
  })

  test('a 4xx parks the entity where everybody sees it; the next change or a replay sends it again', async () => {
    const service = await documentService()
    await service.open()
    const { app, call, write, overview, drained } = await build(await store.place(), service)
    service.failure = ({ id }) => (id === 'task:good' ? undefined : { status: 422 })
    await Promise.all(['bad', 'worse', 'good'].map((id) => write(id)))
    await drained()

    const { parked } = await overview()
    expect(parked.total).toBe(2)
    expect(parked.items).toContainEqual({
      entity: 'task',
      entityId: 'bad',
      version: 1,
      status: 422,
      detail: '{"detail":"as the test wants it"}',
      parkedAt: expect.stringMatching(/^2\d{3}-/u) as string,
    })
    expect((await call('GET', '/health')).body.info.externalDb).toMatchObject({ parked: 2 })
    expect(await app.registry.metrics()).toContain('external_db_parked 2')
    expect(service.documents.has('task:good')).toBe(true)

    service.failure = () => undefined
    await write('bad', 1)
    await drained()
    expect(await overview()).toMatchObject({
      parked: { total: 1, items: [{ entityId: 'worse' }] },
    })
    const replay = await call('POST', 'external-db/replay', {})
    expect([replay.status, replay.body]).toEqual([202, { replayed: 1 }])
    await drained()

    expect(await overview()).toMatchObject({ parked: { total: 0, items: [] } })
    expect(service.documents.get('task:bad')).toMatchObject({ version: 2 })
    expect(service.documents.get('task:worse')).toMatchObject({ version: 1 })
  })

  test('a newer version there is none of our business', async () => {
    const service = await documentService()
    await service.open()
    const { call, write, overview, drained } = await build(await store.place(), service)
    service.failure = () => ({ status: 412 })

    await write('t1')
    await drained()

    expect(await overview()).toMatchObject({ status: 'up', parked: { total: 0 } })
    expect((await call('GET', 'states/task/t1')).body.version).toBe(1)
  })

  test('a document that it trips over holds nobody up but itself', async () => {
    const service = await documentService()
    await service.open()
    const { write, overview, drained } = await build(await store.place(), service)
    service.failure = ({ id }) => (id === 'task:heavy' ? { status: 500 } : undefined)
    await write('heavy')
    for (let n = 0; n < 20; n += 1) await write(`t${n}`)

    await eventually(() => expect(service.documents.size).toBe(20))
    await eventually(async () =>
      expect(await overview()).toMatchObject({ backlog: 1, parked: { total: 0 } }),
    )
    service.failure = () => undefined
    await drained()

    expect(service.documents.get('task:heavy')).toMatchObject({ version: 1 })
  })

  test('changes that race with what is being sent are never left behind', async () => {
    const service = await documentService()
    await service.open()
    const { call, drained } = await build(await store.place(), service)
    const ids = ['a', 'b', 'c']
    const latest = new Map<string, number>()
    await Promise.all(
      Array.from({ length: 6 }, async (_, writer) => {
        for (let n = 0; n < 25; n += 1) {
          const id = ids[(writer + n) % ids.length] ?? 'a'
          const { body } = await call('POST', 'states/batch', {
            mode: 'partial',
            operations: [
              { op: 'upsert', entity: 'task', entityId: id, metadata: { writer, n } },
              { op: 'patch', entity: 'task', entityId: id, metadata: { again: n + writer / 10 } },
            ],
          })
          const { version } = body.results[1].state
          latest.set(id, Math.max(latest.get(id) ?? 0, version))
        }
      }),
    )
    await drained()

    for (const id of ids) {
      expect(service.documents.get(`task:${id}`)).toMatchObject({ version: latest.get(id) })
    }
  })

  test('what this store never had is read from there, and kept', async () => {
    const service = await documentService()
    await service.open()
    const { call } = await build(await store.place(), service)
    service.documents.set('task:old', {
      entityType: 'task',
      entityId: 'old',
      status: 'completed',
      version: 7,
      metadata: { title: 'Давно' },
      timestamp: '2025-11-10T13:00:00+03:00',
    })

    const first = await call('GET', 'states/task/old')
    const second = await call('GET', 'states/task/old')

    expect(first.status).toBe(200)
    expect(first.headers).toMatchObject({ etag: '"7"', 'x-cache': 'miss' })
    expect(first.body).toEqual({
      entity: 'task',
      entityId: 'old',
      status: 'completed',
      version: 7,
      metadata: { title: 'Давно' },
      createdAt: '2025-11-10T10:00:00.000Z',
      createdBy: 'system:external-db',
      updatedAt: '2025-11-10T10:00:00.000Z',
      updatedBy: 'system:external-db',
    })
    expect(second.headers['x-cache']).toBe('local')
    expect(second.body).toEqual(first.body)
    expect(service.exchanges.filter(({ method }) => method === 'GET')).toHaveLength(1)
    expect((await call('GET', 'states/task')).body.items).toEqual([])
    expect((await call('PUT', 'states/task/old', { status: 'created' })).status).toBe(404)
  })

  test('what was written here counts more than what is there', async () => {
    const service = await documentService()
    await service.open()
    const { call, write } = await build(await store.place(), service)
    service.documents.set('task:t1', {
      entityType: 'task',
      entityId: 't1',
      status: 'completed',
      version: 7,
      metadata: {},
      timestamp: '2025-11-10T10:00:00.000Z',
    })
    expect((await call('GET', 'states/task/t1')).body.version).toBe(7)

    await write('t1')
    expect((await call('GET', 'states/task/t1')).body).toMatchObject({ version: 1 })
    await call('DELETE', 'states/task/t1')

    expect((await call('GET', 'states/task/t1')).status).toBe(404)
  })

  test('nothing there, junk there, and another entity type are a plain 404', async () => {
    const service = await documentService()
    await service.open()
    const { call } = await build(await store.place(), service)
    // Whatever somebody else files there.
    service.documents.set('task:junk', { a: 1 })

    const nothing = await call('GET', 'states/task/nothing')
    expect([nothing.status, nothing.body.externalDb]).toEqual([404, undefined])
    expect((await call('GET', 'states/task/junk')).status).toBe(404)
    expect((await call('GET', 'states/unknown/x')).body.code).toBe('STATES_UNKNOWN_ENTITY')
    expect(service.exchanges.map(({ id }) => id)).toEqual(['task:nothing', 'task:junk'])
  })

  test('a reader of the unknown waits two seconds at most, and is told that it could not be asked', async () => {
    const service = await documentService()
    await service.open()
    service.failure = () => 'hang'
    const { call } = await build(await store.place(), service, { DB_CONNECTION_TIMEOUT: '30000' })
    onTestFinished(() => service.close())

    const startedAt = performance.now()
    const { status, body } = await call('GET', 'states/task/unknown')

    expect(performance.now() - startedAt).toBeLessThan(2500)
    expect([status, body.code, body.externalDb]).toEqual([404, 'STATES_NOT_FOUND', 'unavailable'])
  })
})

test('without an external DB there is neither its route nor its health', async () => {
  const { app } = await createService()
  await app.register(events, { retentionDays: 30, maxStreams: 4 })
  await app.register(externalDb, externalDbOptions({ ...(await createService()).config }))
  await app.ready()
  const call = callerOf(app)

  expect((await call('GET', 'external-db')).status).toBe(404)
  expect((await call('GET', '/health/readiness')).body).toEqual({ ready: true })
})

import { expect, test } from 'vitest'
import { createCachedService } from '../testing/cached-service.ts'

test('a state is read from the store once, then from memory', async () => {
  const { app, call, write } = await createCachedService()
  await write('t1')
  await app.stateCache.invalidate('state:*')

  const first = await call('GET', 'states/task/t1')
  const second = await call('GET', 'states/task/t1')
  expect([first.headers['x-cache'], second.headers['x-cache']]).toEqual(['miss', 'local'])
  expect(second.body).toEqual(first.body)
  expect(second.headers['etag']).toBe('"1"')
})

test('every kind of write is seen by the next read', async () => {
  const { call, read, write } = await createCachedService()
  expect(await write('t1')).toBe(1)
  expect(await read('t1')).toMatchObject({ version: 1 })

  await call('PUT', 'states/task/t1', { status: 'in_progress' })
  expect(await read('t1')).toMatchObject({ version: 2, level: 'local' })
  await call('PATCH', 'states/task/t1', { metadata: { a: 1 } })
  expect(await read('t1')).toMatchObject({ version: 3, level: 'local' })
  await call('POST', 'states/batch', {
    mode: 'atomic',
    operations: [
      { op: 'patch', entity: 'task', entityId: 't1', metadata: { a: 2 } },
      { op: 'patch', entity: 'task', entityId: 't1', metadata: { a: 3 } },
    ],
  })
  expect(await read('t1')).toMatchObject({ version: 5, body: { metadata: { n: 0, a: 3 } } })
  await call('DELETE', 'states/task/t1')
  expect(await read('t1')).toMatchObject({ status: 404 })
  expect(await write('t1')).toBe(7)
  expect(await read('t1')).toMatchObject({ version: 7, level: 'local' })
})

test('a write that is refused or rolled back leaves the cache alone', async () => {
  const { call, read, write } = await createCachedService()
  await write('t1')

  await call('PUT', 'states/task/t1', { status: 'completed' })
  await call('POST', 'states/batch', {
    mode: 'atomic',
    operations: [
      { op: 'patch', entity: 'task', entityId: 't1', metadata: { a: 2 } },
      { op: 'patch', entity: 'task', entityId: 'absent', metadata: { a: 3 } },
    ],
  })

  expect(await read('t1')).toMatchObject({
    version: 1,
    level: 'local',
    body: { status: 'created' },
  })
})

test('who asks for the store and who sends a condition gets the store', async () => {
  const { app, call, read, write } = await createCachedService()
  await write('t1')
  await app.store.write((trx) =>
    trx.updateTable('states').set({ reason: 'by hand' }).where('entity_id', '=', 't1').execute(),
  )

  expect((await read('t1')).body.reason).toBeUndefined()
  for (const headers of [
    { 'cache-control': 'no-cache' },
    { 'cache-control': 'max-age=0' },
    { 'if-none-match': '"7"' },
  ]) {
    await app.stateCache.invalidate('state:*')
    await read('t1')
    expect(await read('t1', headers)).toMatchObject({ level: 'miss', body: { reason: 'by hand' } })
  }
  const known = await call('GET', 'states/task/t1', undefined, { 'if-none-match': '"1"' })
  expect([known.status, known.headers['x-cache']]).toEqual([304, 'miss'])
})

test('a state that expires is always read from the store: a heartbeat makes no version', async () => {
  const { app, call } = await createCachedService()
  await call('POST', 'states/user', { entityId: 'u1', status: 'online' })
  const before = await call('GET', 'states/user/u1')

  app.store.setClockOffset(30_000)
  await call('POST', 'states/user/u1/heartbeat')
  const after = await call('GET', 'states/user/u1')

  expect(after.headers['x-cache']).toBe('miss')
  expect(after.body.version).toBe(before.body.version)
  expect(Date.parse(after.body.expiresAt) - Date.parse(before.body.expiresAt)).toBeGreaterThan(
    29_000,
  )
  await call('PUT', 'states/user/u1', { status: 'offline' })
  expect((await call('GET', 'states/user/u1')).headers['x-cache']).toBe('local')
})

test('the past and the unknown are not cached', async () => {
  const { call, read, write } = await createCachedService()
  await write('t1')

  expect((await read('t1?version=1')).level).toBeUndefined()
  expect(await read('absent')).toMatchObject({ status: 404 })
  await write('absent')
  expect(await read('absent')).toMatchObject({ status: 200, level: 'local' })
  expect((await call('GET', 'states/unknown/x')).body.code).toBe('STATES_UNKNOWN_ENTITY')
})

test('a list is kept only for those who say how old it may be', async () => {
  const { call, write } = await createCachedService()
  await write('t1')
  const list = (headers?: Record<string, string>, query = '') =>
    call('GET', `states/task${query}`, undefined, headers)
  const patient = { 'cache-control': 'max-age=30' }

  expect((await list()).headers['x-cache']).toBeUndefined()
  expect((await list(patient)).headers['x-cache']).toBe('miss')
  const kept = await list(patient)
  expect(kept.headers['x-cache']).toBe('local')
  expect(kept.body.items).toHaveLength(1)
  expect((await list(patient, '?status=created')).headers['x-cache']).toBe('miss')
  expect((await list({ 'cache-control': 'max-age=0' })).headers['x-cache']).toBeUndefined()

  await write('t2')

  const after = await list(patient)
  expect(after.headers['x-cache']).toBe('miss')
  expect(after.body.items).toHaveLength(2)
  await call('POST', 'states/process', { entityId: 'p1' })
  expect((await list(patient)).headers['x-cache']).toBe('local')
})

test('a pattern is invalidated by its route; what it does not fit stays', async () => {
  const { call, read, write } = await createCachedService()
  for (const id of ['a1', 'a2', 'b1']) await write(id)

  const { status, body } = await call('POST', 'cache/invalidate', { pattern: 'state:task:a*' })

  expect([status, body]).toEqual([200, { pattern: 'state:task:a*', removed: { memory: 2 } }])
  expect([(await read('a1')).level, (await read('b1')).level]).toEqual(['miss', 'local'])
  expect((await call('POST', 'cache/invalidate', { pattern: 'user:*' })).status).toBe(400)
})

test('requests are counted by the level that answered', async () => {
  const { app, call, read, write } = await createCachedService()
  await write('t1')
  await read('t1')
  await read('t1', { 'cache-control': 'no-cache' })
  await read('absent')

  const text = await app.registry.metrics()

  expect(text).toContain('cache_requests_total{level="local"} 1')
  expect(text).toContain('cache_requests_total{level="bypass"} 1')
  expect(text).toContain('cache_requests_total{level="miss"} 1')
  expect(text).toMatch(/cache_entries [1-9]/u)
  expect((await call('GET', '/health/readiness')).body).toEqual({ ready: true })
})

test('a global Redis without a host is refused at start', async () => {
  await expect(createCachedService({ env: { REDIS_GLOBAL_ENABLED: 'true' } })).rejects.toThrow(
    'REDIS_GLOBAL_HOST',
  )
})

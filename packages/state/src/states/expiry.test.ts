import { expect, test, vi } from 'vitest'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { createStateService } from '../testing/state-service.ts'

const SWEEP_MS = 20

function suite(store: TestStore): void {
  /** Two replicas where the store allows it: an expiry must happen once all the same. */
  async function build(options: { sweepMs?: number } = {}) {
    const place = await store.place()
    const service = await createStateService({ place, sweepMs: SWEEP_MS, ...options })
    const replicas = [service]
    if (store.dialect === 'postgres') {
      replicas.push(await createStateService({ place, sweepMs: SWEEP_MS, ...options }))
    }
    /** The store's clock, for all replicas. */
    const later = (seconds: number) => {
      for (const { app } of replicas) app.store.setClockOffset(seconds * 1000)
    }
    const statusOf = async (id: string) =>
      (await service.call('GET', `states/user/${id}`)).body.status as string
    return { ...service, replicas, later, statusOf }
  }

  test('a person without a sign of life falls offline after 90 s, once, with history and event', async () => {
    const { call, later, statusOf, lines } = await build()
    const { body } = await call('POST', 'states/user', { entityId: 'u1', status: 'online' })
    expect(Date.parse(body.expiresAt) - Date.parse(body.updatedAt)).toBe(90_000)

    later(91)
    await vi.waitFor(async () => expect(await statusOf('u1')).toBe('offline'))

    const { items } = (await call('GET', 'states/user/u1/history')).body
    expect(items).toHaveLength(2)
    expect(items[0]).toMatchObject({
      version: 2,
      event: 'entity.updated',
      previousStatus: 'online',
      newStatus: 'offline',
      actor: 'system:ttl',
      reason: 'not renewed for 90 s',
    })
    expect((await call('GET', 'states/user/u1')).body).not.toHaveProperty('expiresAt')
    expect((await call('GET', 'events')).body.items).toHaveLength(2)
    expect(
      lines.some(({ newStatus }) => newStatus === 'offline') || store.dialect === 'postgres',
    ).toBe(true)
  })

  test('a heartbeat moves the expiry and makes no version', async () => {
    const { call, later, statusOf } = await build()
    await call('POST', 'states/user', { entityId: 'u1', status: 'busy' })

    later(60)
    const beat = await call('POST', 'states/user/u1/heartbeat')
    later(120)
    await call('POST', 'states/user', { entityId: 'u2', status: 'online', ttlSeconds: 1 })
    later(140)
    await vi.waitFor(async () => expect(await statusOf('u2')).toBe('offline'))

    expect(beat).toMatchObject({
      status: 200,
      headers: { etag: '"1"' },
      body: { status: 'busy', version: 1 },
    })
    expect(await statusOf('u1')).toBe('busy')
    expect((await call('GET', 'states/user/u1/history')).body.items).toHaveLength(1)
    later(151)
    await vi.waitFor(async () => expect(await statusOf('u1')).toBe('offline'))
  })

  test('a heartbeat that comes late, but before the sweep, wins', async () => {
    const { app, call, later } = await build({ sweepMs: 3_600_000 })
    await call('POST', 'states/user', { entityId: 'u1', status: 'online' })
    later(100)

    const beat = await call('POST', 'states/user/u1/heartbeat')

    expect(beat.status).toBe(200)
    const due = await app.store.kysely
      .selectFrom('states')
      .select('entity_id')
      .where('expires_at', '<=', app.store.now())
      .execute()
    expect(due).toEqual([])
  })

  test('the same status written again is a sign of life too; metadata alone are none', async () => {
    const { call, later } = await build({ sweepMs: 3_600_000 })
    const first = await call('POST', 'states/user', { entityId: 'u1', status: 'online' })
    later(30)

    const patched = await call('PATCH', 'states/user/u1', { metadata: { mood: 'good' } })
    const again = await call('PUT', 'states/user/u1', { status: 'online' })

    expect(patched.body).toMatchObject({ version: 2, expiresAt: first.body.expiresAt })
    expect(again.body.version).toBe(2)
    expect(Date.parse(again.body.expiresAt)).toBeGreaterThan(Date.parse(first.body.expiresAt))
    expect((await call('GET', 'states/user/u1')).body.expiresAt).toBe(again.body.expiresAt)
  })

  test('a time to live of its own is kept by heartbeats and forgotten with the status', async () => {
    const { call } = await build({ sweepMs: 3_600_000 })
    const lifeOf = ({ body }: { body: { expiresAt: string } }) =>
      Math.round((Date.parse(body.expiresAt) - Date.now()) / 10_000) * 10

    await call('POST', 'states/user', { entityId: 'u1', status: 'online', ttlSeconds: 600 })

    expect(lifeOf(await call('POST', 'states/user/u1/heartbeat'))).toBe(600)
    expect(lifeOf(await call('POST', 'states/user/u1/heartbeat', { ttlSeconds: 300 }))).toBe(300)
    expect(lifeOf(await call('PUT', 'states/user/u1', { status: 'busy' }))).toBe(90)
  })

  test('what does not expire cannot be renewed', async () => {
    const { call } = await build()
    await call('POST', 'states/user', { entityId: 'u1', status: 'offline' })

    expect((await call('POST', 'states/user/u1/heartbeat')).body).toMatchObject({
      status: 409,
      code: 'STATES_NOTHING_TO_RENEW',
    })
    expect((await call('POST', 'states/user/none/heartbeat')).status).toBe(404)
  })

  test('many expire in one sweep, each once', async () => {
    const { call, later } = await build()
    const operations = Array.from({ length: 250 }, (_, index) => ({
      op: 'create',
      entity: 'user',
      entityId: `u${index}`,
      status: 'online',
    }))
    await call('POST', 'states/batch', { mode: 'atomic', operations })

    later(91)
    await vi.waitFor(
      async () =>
        expect((await call('GET', 'states/user?status=offline&count=true')).body.total).toBe(250),
      { timeout: 10_000 },
    )

    const { body } = await call('POST', 'states/query', {
      entity: 'user',
      where: { version: { ne: 2 } },
    })
    expect(body.items).toEqual([])
  })

  test('expiry follows the rules in force, down a chain', async () => {
    const { call, later } = await build()
    const chain = {
      statuses: ['offered', 'waiting', 'lost'],
      initial: ['offered'],
      transitions: { offered: ['lost'] },
      expiry: {
        offered: { afterSeconds: 10, to: 'waiting' },
        waiting: { afterSeconds: 10, to: 'lost' },
      },
    }
    await call('PUT', 'machines/offer', chain)
    await call('POST', 'states/offer', { entityId: 'o1' })
    const status = async () => (await call('GET', 'states/offer/o1')).body.status as string

    later(11)
    await vi.waitFor(async () => expect(await status()).toBe('waiting'))
    later(22)
    await vi.waitFor(async () => expect(await status()).toBe('lost'))
    await call('POST', 'states/offer', { entityId: 'o2' })
    const { expiry: _expiry, ...without } = chain
    await call('PUT', 'machines/offer', {
      ...without,
      transitions: { offered: ['waiting', 'lost'] },
    })
    later(60)

    await vi.waitFor(async () =>
      expect((await call('GET', 'states/offer/o2')).body).not.toHaveProperty('expiresAt'),
    )
    expect((await call('GET', 'states/offer/o2')).body).toMatchObject({
      status: 'offered',
      version: 1,
    })
  })
}

describeDatabases('expiry', suite)

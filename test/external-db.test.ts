import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { State } from '@potok/contracts/state'
import { call } from '../scripts/system/api.ts'
import { startPrivateSystem, type PrivateSystem } from '../scripts/system/private-system.ts'

const KEY = { 'x-api-key': 'gateway-service-key' }
const OUR_KEY = { 'x-api-key': 'state-service-key' }
const BODY_LIMIT = 65_536
let system: PrivateSystem

beforeEach(async () => {
  system = await startPrivateSystem({
    only: ['admin', 'state'],
    // Leases are as long as this; short ones make a killed process's work due again within the test.
    env: {
      DB_CONNECTION_TIMEOUT: '1000',
      DB_RETRY_ATTEMPTS: '1',
      BODY_LIMIT: String(BODY_LIMIT),
      METADATA_LIMIT: String(BODY_LIMIT),
    },
  })
}, 120_000)
afterEach(() => system.stop())

interface Overview {
  backlog: number
  parked: { total: number }
}

const write = async (entityId: string, n: number): Promise<number> => {
  const { status } = await call(`${system.url('state')}/api/v1/states/task`, {
    method: 'POST',
    headers: KEY,
    json: { entityId, metadata: { n } },
  })
  return status
}
const read = async (entityId: string): Promise<State> =>
  (await call<State>(`${system.url('state')}/api/v1/states/task/${entityId}`, { headers: KEY }))
    .body
const overview = async (): Promise<Overview> =>
  (await call<Overview>(`${system.url('state')}/api/v1/external-db`, { headers: KEY })).body
const document = async (entityId: string) =>
  call(`${system.url('admin')}/api/v1/db/states/task:${entityId}`, { headers: OUR_KEY })

async function drained(): Promise<void> {
  await vi.waitFor(async () => expect(await overview()).toMatchObject({ backlog: 0 }), {
    timeout: 60_000,
    interval: 100,
  })
}

test('while admin is away the state service goes on, and a kill -9 in between loses nothing of what waits', async () => {
  const ids = Array.from({ length: 20 }, (_, n) => `task_${n}`)
  for (const id of ids) expect(await write(id, 1)).toBe(201)
  await drained()
  expect((await document('task_0')).body).toMatchObject({ version: 1, metadata: { n: 1 } })

  await system.process('admin').end('SIGKILL')
  for (const id of ids.slice(0, 15)) {
    expect(await write(id, 2)).toBe(200)
    expect(await write(id, 3)).toBe(200)
  }
  await vi.waitFor(async () => {
    const { body } = await call(`${system.url('state')}/health/readiness`)
    expect(body).toEqual({ ready: true, externalDb: false })
  })
  expect(await overview()).toMatchObject({ backlog: 15, parked: { total: 0 } })

  await system.process('state').end('SIGKILL')
  await system.process('state').start()
  expect(await overview()).toMatchObject({ backlog: 15 })
  for (const id of ids.slice(10)) expect(await write(id, 4)).toBe(200)
  await call(`${system.url('state')}/api/v1/states/task/task_19`, {
    method: 'DELETE',
    headers: KEY,
  })
  expect(await overview()).toMatchObject({ backlog: 20 })

  await system.process('admin').start()
  await drained()

  for (const id of ids.slice(0, 19)) {
    const { status, version, metadata, updatedAt } = await read(id)
    expect((await document(id)).body).toEqual({
      entityType: 'task',
      entityId: id,
      status,
      version,
      metadata,
      timestamp: updatedAt,
    })
  }
  expect((await document('task_19')).status).toBe(404)
  expect(await overview()).toMatchObject({ parked: { total: 0 } })
})

test('what only admin has is read through', async () => {
  const filed = await call(`${system.url('admin')}/api/v1/db/states/task:old`, {
    method: 'PUT',
    headers: OUR_KEY,
    json: {
      entityType: 'task',
      entityId: 'old',
      status: 'completed',
      version: 7,
      metadata: { title: 'Давно' },
      timestamp: '2025-11-10T10:00:00.000Z',
    },
  })
  expect(filed.status).toBe(201)

  expect(await read('old')).toMatchObject({ entityId: 'old', status: 'completed', version: 7 })
})

test('what admin refuses is parked, until a change that it takes', async () => {
  // With everything around it longer than a body may be; as a request to the state service just short enough.
  const text = 'x'.repeat(BODY_LIMIT - 60 - '{"text":""}'.length)
  const put = (metadata: object) =>
    call(`${system.url('state')}/api/v1/states/task`, {
      method: 'POST',
      headers: KEY,
      json: { entityId: 'big', metadata },
    })

  expect((await put({ text })).status).toBe(201)
  await drained()
  expect(await overview()).toMatchObject({
    parked: { total: 1, items: [{ entityId: 'big', version: 1, status: 413 }] },
  })
  const { body } = await call(`${system.url('state')}/health`)
  expect(body).toMatchObject({ status: 'ok', info: { externalDb: { status: 'up', parked: 1 } } })

  expect((await put({ text: 'short' })).status).toBe(200)
  await drained()

  expect(await overview()).toMatchObject({ parked: { total: 0 } })
  expect((await document('big')).body).toMatchObject({ version: 2 })
})

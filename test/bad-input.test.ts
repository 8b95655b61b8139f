import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call, login } from '../scripts/system/api.ts'
import { freePorts } from '../scripts/system/ports.ts'
import { startPrivateSystem, type PrivateSystem } from '../scripts/system/private-system.ts'

const KEY = { 'x-api-key': 'gateway-service-key' }
let system: PrivateSystem
let authorization: string

beforeAll(async () => {
  system = await startPrivateSystem()
  authorization = (await login(system.url('gateway'))).authorization
}, 120_000)
afterAll(() => system?.stop())

const task = (json: object, headers: Record<string, string> = KEY) =>
  call(`${system.url('state')}/api/v1/states/task`, { method: 'POST', headers, json })

async function raw(url: string, body: string, headers: Record<string, string>) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

test.each([
  ['malformed JSON', '{"entityId":', 400, 'REQUEST_MALFORMED_JSON'],
  ['an unknown field', '{"entityId":"t1","colour":"red"}', 400, 'REQUEST_INVALID'],
  ['NUL in a text', '{"entityId":"t1","metadata":{"title":"a\\u0000"}}', 422, 'TEXT_NOT_STORABLE'],
  ['an unknown status', '{"entityId":"t1","status":"sleeping"}', 422, 'STATES_UNKNOWN_STATUS'],
  [
    'too big a body',
    JSON.stringify({ entityId: 't1', metadata: { a: 'x'.repeat(1_100_000) } }),
    413,
    'REQUEST_TOO_LARGE',
  ],
])(
  '%s is answered alike by the state service and through the gateway',
  async (_case, body, status, code) => {
    const direct = await raw(`${system.url('state')}/api/v1/states/task`, body, KEY)
    const proxied = await raw(`${system.url('gateway')}/api/v1/states/task`, body, {
      authorization,
    })

    expect(direct).toMatchObject({ status, body: { status, code } })
    expect(proxied.status).toBe(status)
    expect(proxied.body).toMatchObject({ status, correlationId: expect.any(String) as string })
  },
)

test('an unknown field is named', async () => {
  const { body } = await task({ entityId: 't1', colour: 'red' })

  expect(body['errors']).toEqual([{ path: '/body/colour', message: 'is not a known field' }])
})

test('keys and tokens: none, wrong, and a service key at the front door', async () => {
  const states = '/api/v1/states/task'

  expect(await call(`${system.url('state')}${states}`)).toMatchObject({ status: 401 })
  expect(
    await call(`${system.url('state')}${states}`, { headers: { 'x-api-key': 'wrong' } }),
  ).toMatchObject({
    status: 401,
    body: { code: 'API_KEY_UNKNOWN' },
  })
  expect(await call(`${system.url('gateway')}${states}`, { headers: KEY })).toMatchObject({
    status: 401,
  })
  expect(
    await call(`${system.url('gateway')}${states}`, {
      headers: { authorization: 'Bearer nonsense' },
    }),
  ).toMatchObject({ status: 401 })
})

test('a forbidden transition says what is allowed', async () => {
  expect(await task({ entityId: 'forbidden', status: 'completed' })).toMatchObject({
    status: 409,
    body: { code: 'STATES_INVALID_TRANSITION', from: null, to: 'completed' },
  })
  await task({ entityId: 'forbidden', status: 'pending' })
  const { status, body } = await task({ entityId: 'forbidden', status: 'completed' })

  expect(status).toBe(409)
  expect(body).toMatchObject({
    code: 'STATES_INVALID_TRANSITION',
    from: 'pending',
    to: 'completed',
    allowed: expect.arrayContaining(['in_progress', 'created', 'failed']) as string[],
  })
})

test('an unknown entity type names the known ones, an unknown entity is 404', async () => {
  const type = await call(`${system.url('state')}/api/v1/states/spaceship/x`, { headers: KEY })
  const entity = await call(`${system.url('state')}/api/v1/states/task/nobody`, { headers: KEY })

  expect(type.status).toBe(404)
  expect(JSON.stringify(type.body)).toMatch(
    /process.*task.*user|task.*user.*process|task.*process/u,
  )
  expect(entity).toMatchObject({ status: 404, body: { code: 'STATES_NOT_FOUND' } })
})

test('after all of that every process lives', async () => {
  for (const [name, path] of [
    ['state', '/health/liveness'],
    ['gateway', '/api/v1/health/liveness'],
    ['admin', '/health/liveness'],
  ] as const) {
    expect((await call(`${system.url(name)}${path}`)).status).toBe(200)
  }
})

/** Starts a built process that must not come up. @returns how it ended */
function startInVain(
  name: 'state' | 'gateway' | 'admin',
  env: Record<string, string>,
): Promise<{ code: number | null; stderr: string }> {
  const { service } = system.process(name)
  return new Promise((done) => {
    execFile(
      process.execPath,
      [service.entry],
      {
        env: { PATH: process.env['PATH'], ...service.env, LOG_LEVEL: 'silent', ...env },
        timeout: 20_000,
      },
      (error, _stdout, stderr) =>
        done({
          code: error === null ? 0 : typeof error.code === 'number' ? error.code : null,
          stderr,
        }),
    )
  })
}

test('a bad environment names every bad variable in one line and exits with 1', async () => {
  const { code, stderr } = await startInVain('state', { PORT: 'eighty', WEBHOOK_MAX_RETRIES: '-1' })

  expect(code).toBe(1)
  expect(stderr).toMatch(/PORT must be integer/u)
  expect(stderr).toMatch(/WEBHOOK_MAX_RETRIES must be >= 0/u)
  expect(stderr.trim().split('\n')).toHaveLength(1)
})

test('production refuses development defaults by name', async () => {
  const state = await startInVain('state', { NODE_ENV: 'production' })
  const gateway = await startInVain('gateway', { NODE_ENV: 'production', API_KEYS: 'a=b' })

  expect(state).toMatchObject({ code: 1, stderr: expect.stringContaining('API_KEYS') as string })
  expect(gateway).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('JWT_SECRET') as string,
  })
})

test('a port in use is one clear line', async () => {
  const { port } = system.process('gateway').service
  const dataDir = mkdtempSync(join(tmpdir(), 'potok-port-'))

  const { code, stderr } = await startInVain('admin', {
    PORT: String(port),
    POTOK_DATA_DIR: dataDir,
  })

  expect(code).toBe(1)
  expect(stderr.trim()).toBe(`Port ${port} is already in use. Set PORT to another one.`)
})

test('a second process on the same data directory is refused with one clear line, and the first lives', async () => {
  const [port = 0] = await freePorts(1)

  const { code, stderr } = await startInVain('state', { PORT: String(port) })

  expect(code).toBe(1)
  expect(stderr).toContain('POTOK_DATA_DIR')
  expect(stderr.trim().split('\n')).toHaveLength(1)
  expect((await call(`${system.url('state')}/health/readiness`)).status).toBe(200)
})

test('the launcher says which port is taken and how to move it', async () => {
  const launcher = join(import.meta.dirname, '..', 'scripts', 'dist', 'launcher', 'main.js')
  const { port } = system.process('gateway').service
  const [a = 0, b = 0, c = 0] = await freePorts(3)
  const env = {
    PATH: process.env['PATH'],
    GATEWAY_PORT: String(port),
    ADMIN_PORT: String(a),
    STATE_PORT: String(b),
    MAX_SIMULATOR_PORT: String(c),
  }

  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((done) => {
    execFile(process.execPath, [launcher], { env, timeout: 20_000 }, (error, _stdout, text) =>
      done({ code: error?.code, stderr: text }),
    )
  })

  expect(code).toBe(1)
  expect(stderr.trim()).toBe(`Gateway: port ${port} is in use. Set GATEWAY_PORT to another one.`)
})

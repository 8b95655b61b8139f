import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPrivateSystem, type PrivateSystem } from '../scripts/system/private-system.ts'

const run = promisify(execFile)
let system: PrivateSystem

beforeAll(async () => {
  system = await startPrivateSystem()
}, 120_000)
afterAll(() => system?.stop())

/** Runs a curl of the commissioned READMEs as printed; only the ports are those of this system. */
async function curl(command: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const text = command
    .replaceAll('http://localhost:3001', system.url('gateway'))
    .replaceAll('http://localhost:3002', system.url('state'))
    .replace(/^curl /u, 'curl -s -w "\\n%{http_code}" ')
  const { stdout } = await run('bash', ['-c', text])
  const cut = stdout.lastIndexOf('\n')
  return {
    status: Number(stdout.slice(cut + 1)),
    body: JSON.parse(stdout.slice(0, cut)) as Record<string, unknown>,
  }
}

test('creates a state', async () => {
  const { status, body } = await curl(`curl -X POST http://localhost:3002/api/v1/states/task \\
  -H "Content-Type: application/json" \\
  -H "x-api-key: gateway-service-key" \\
  -d '{
    "entityId": "task_123",
    "status": "in_progress",
    "metadata": {
      "assignee": "user_789",
      "priority": "high"
    }
  }'`)

  expect(status).toBe(201)
  expect(body).toMatchObject({
    entity: 'task',
    entityId: 'task_123',
    status: 'in_progress',
    version: 1,
  })
})

test('updates the state by the same call, as the gateway does', async () => {
  const { status, body } = await curl(`curl -X POST http://localhost:3002/api/v1/states/task \\
  -H "Content-Type: application/json" -H "x-api-key: gateway-service-key" \\
  -d '{"entityId": "task_123", "status": "completed"}'`)

  expect(status).toBe(200)
  expect(body).toMatchObject({
    status: 'completed',
    version: 2,
    metadata: { assignee: 'user_789' },
  })
})

test('creates a webhook subscription', async () => {
  const { status, body } =
    await curl(`curl -X POST http://localhost:3002/api/v1/webhooks/subscriptions \\
  -H "Content-Type: application/json" \\
  -H "x-api-key: gateway-service-key" \\
  -d '{
    "url": "https://your-app.com/webhook",
    "events": ["entity.created", "entity.updated"],
    "secret": "your-webhook-secret",
    "description": "Task status updates"
  }'`)

  expect(status).toBe(201)
  expect(body).toMatchObject({
    url: 'https://your-app.com/webhook',
    active: true,
    consecutiveFailures: 0,
  })
})

test('tells the health of the state service, its liveness and its readiness', async () => {
  const full = await curl('curl http://localhost:3002/health')
  const liveness = await curl('curl http://localhost:3002/health/liveness')
  const readiness = await curl('curl http://localhost:3002/health/readiness')

  expect(full).toMatchObject({ status: 200, body: { status: 'ok' } })
  expect(liveness).toEqual({ status: 200, body: { status: 'ok' } })
  expect(readiness).toMatchObject({ status: 200, body: { ready: true } })
})

test('logs in and shows the profile', async () => {
  const login = await curl(`curl -X POST http://localhost:3001/api/v1/auth/login \\
  -H "Content-Type: application/json" \\
  -d '{"username": "user", "password": "password"}'`)
  const token = String(login.body['access_token'])

  const profile = await curl(`curl -H "Authorization: Bearer ${token}" \\
  http://localhost:3001/api/v1/auth/profile`)

  expect(login).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 86_400 } })
  expect(login.body['refresh_token']).toEqual(expect.any(String))
  expect(profile).toMatchObject({ status: 200, body: { username: 'user', roles: ['admin'] } })
})

test('tells the health of the gateway', async () => {
  const { status, body } = await curl('curl http://localhost:3001/api/v1/health')

  expect(status).toBe(200)
  expect(body).toMatchObject({
    status: 'ok',
    info: {
      redis: { status: 'off', connected: false },
      microservices: { admin: 'up', state: 'up' },
    },
  })
})

test('shows breaker metrics', async () => {
  const { stdout } = await run('bash', [
    '-c',
    `curl -s ${system.url('gateway')}/api/v1/metrics | grep circuit_breaker`,
  ])

  expect(stdout).toContain('circuit_breaker_state{service="admin"} 0')
  expect(stdout).toContain('circuit_breaker_state{service="state"} 0')
})

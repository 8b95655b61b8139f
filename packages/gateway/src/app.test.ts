import { Type } from '@sinclair/typebox'
import { expect, onTestFinished, test, vi } from 'vitest'
import { readConfig } from '@potok/core/config'
import { describeService } from '@potok/core/testing/services'
import { redisService, startRedis } from '@potok/core/testing/redis-server'
import { createParser } from '@potok/core/validation'
import { Config } from './config.ts'
import { person } from './testing/admin-service.ts'
import { deadOrigin, startGateway, startService } from './testing/gateway.ts'

const ready = () => startService((_request, response) => response.end('{}'))

test('the health says which services do their job, and leaves out the one that there is not', async () => {
  const { url, close } = await ready()
  const gateway = await startGateway({ STATE_SERVICE_URL: url })
  const health = async () => {
    const answer = await fetch(`${gateway.url}/api/v1/health`)
    return { status: answer.status, body: (await answer.json()) as unknown }
  }

  expect(await health()).toMatchObject({
    status: 200,
    body: {
      info: {
        redis: { status: 'off', connected: false },
        microservices: { admin: 'up', state: 'up' },
      },
    },
  })
  await close()
  const down = await health()
  expect(down).toMatchObject({
    status: 200,
    body: { status: 'degraded', info: { microservices: { admin: 'up', state: 'down' } } },
  })
  expect(JSON.stringify(down)).not.toContain('127.0.0.1')
})

test('with a task service the health is of three', async () => {
  const { url } = await ready()
  const gateway = await startGateway({ STATE_SERVICE_URL: url, TASK_SERVICE_URL: url })

  const answer = await fetch(`${gateway.url}/api/v1/health`)

  expect(await answer.json()).toMatchObject({
    info: { microservices: { admin: 'up', state: 'up', task: 'up' } },
  })
})

test('the probes answer while services are down: the gateway itself does its job', async () => {
  const { url } = await startGateway({ STATE_SERVICE_URL: await deadOrigin() })

  const liveness = await fetch(`${url}/api/v1/health/liveness`)
  expect(await liveness.json()).toEqual({ status: 'ok' })
  const readiness = await fetch(`${url}/api/v1/health/readiness`)
  expect(readiness.status).toBe(200)
  expect(await readiness.json()).toMatchObject({ ready: true, store: true })
})

test('the metrics have the names that were promised', async () => {
  const { url, as } = await startGateway({ TASK_SERVICE_URL: await deadOrigin() })
  const headers = { ...(await as('member')), 'content-type': 'application/json' }
  await fetch(`${url}/api/v1/tasks/1`, { method: 'POST', headers, body: '{}' })

  const text = await (await fetch(`${url}/api/v1/metrics`)).text()

  expect(text).toMatch(
    /^http_requests_total\{method="POST",route="\/api\/v1\/tasks\/\*",status="502"\} 1$/mu,
  )
  expect(text).toMatch(/^circuit_breaker_state\{service="admin"\} 0$/mu)
  expect(text).toMatch(/^circuit_breaker_state\{service="task"\} 0$/mu)
  expect(text).toMatch(
    /^upstream_failures_total\{service="task",reason="upstream_unreachable"\} 1$/mu,
  )
  expect(text).toContain('# TYPE redis_operations_duration_seconds histogram')
})

test('logins are counted by outcome, and the log names who asked', async () => {
  const { url, as, lines } = await startGateway()
  await fetch(`${url}/api/v1/auth/sessions`, { headers: await as('member') })
  await fetch(`${url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"username":"member","password":"wrong"}',
  })

  const text = await (await fetch(`${url}/api/v1/metrics`)).text()

  expect(text).toMatch(/^auth_logins_total\{outcome="accepted"\} 1$/mu)
  expect(text).toMatch(/^auth_logins_total\{outcome="refused"\} 1$/mu)
  expect(lines).toContainEqual(
    expect.objectContaining({
      message: 'request completed',
      route: '/api/v1/auth/sessions',
      userId: 'member',
      status: 200,
    }),
  )
})

test('so many requests a client may make; health, metrics and other clients do not count', async () => {
  const { url, as } = await startGateway({ THROTTLE_LIMIT: '5', TRUSTED_PROXIES: '127.0.0.1' })
  const headers = await as('member')
  const ask = async (from: string, path = '/api/v1/auth/sessions') => {
    const answer = await fetch(`${url}${path}`, {
      headers: { ...headers, 'x-forwarded-for': from },
    })
    await answer.arrayBuffer()
    return answer
  }

  const statuses: number[] = []
  for (let count = 0; count < 7; count += 1) statuses.push((await ask('203.0.113.1')).status)
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429])

  const refused = await ask('203.0.113.1')
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(refused.headers.get('ratelimit-policy')).toBe('"default";q=5;w=60')
  expect((await ask('203.0.113.1', '/api/v1/health/liveness')).status).toBe(200)
  expect((await ask('203.0.113.1', '/api/v1/metrics')).status).toBe(200)
  expect((await ask('203.0.113.2')).status).toBe(200)
})

test('the commands of the README work as printed, on the development defaults', async () => {
  const { url, admin } = await startGateway()
  admin.people.push(person('usr_1', { roles: ['admin'], username: 'user', password: 'password' }))

  const login = await fetch(`${url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"username": "user", "password": "password"}',
  })
  const pair = createParser(
    Type.Object({ access_token: Type.String({ pattern: '^eyJ' }), refresh_token: Type.String() }),
  )(await login.json())
  const profile = await fetch(`${url}/api/v1/auth/profile`, {
    headers: { Authorization: `Bearer ${pair.access_token}` },
  })

  expect(await profile.json()).toMatchObject({ id: 'usr_1', username: 'user' })
})

test('the document describes every route with an example that can be pasted', async () => {
  const { url } = await startGateway()

  const answer = await fetch(`${url}/api/docs/json`)
  const document = createParser(Type.Object({ paths: Type.Record(Type.String(), Type.Unknown()) }))(
    await answer.json(),
  )

  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining([
      '/api/v1/auth/login',
      '/api/v1/auth/refresh',
      '/api/v1/auth/sessions/{id}',
      '/api/v1/gateway/circuits',
      '/api/v1/health',
    ]),
  )
  expect((await fetch(`${url}/api/docs`)).status).toBe(200)
})

test('in production a development default keeps the process from starting, by name', () => {
  const safe = {
    NODE_ENV: 'production',
    API_KEYS: 'state=a long and secret key',
    JWT_SECRET: 'a long and secret secret',
    JWT_REFRESH_SECRET: 'another long and secret secret',
    ADMIN_SERVICE_API_KEY: 'a long and secret key',
  }
  const variables = ['API_KEYS', 'JWT_SECRET', 'JWT_REFRESH_SECRET', 'ADMIN_SERVICE_API_KEY']

  expect(() => readConfig(Config, safe)).not.toThrow()
  for (const variable of variables) {
    const { [variable]: _removed, ...rest } = { ...safe } as Record<string, string>
    expect(() => readConfig(Config, rest)).toThrow(variable)
  }
})

describeService(redisService, 'with Redis', () => {
  test('the health tells of it, and its loss is no error', async () => {
    const redis = await startRedis()
    if (redis === undefined) throw new Error('Redis did not start')
    onTestFinished(() => redis.stop())
    const { url } = await ready()
    const gateway = await startGateway({
      STATE_SERVICE_URL: url,
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(redis.port),
    })
    const health = async () => (await fetch(`${gateway.url}/api/v1/health`)).json()

    await vi.waitFor(async () =>
      expect(await health()).toMatchObject({
        info: {
          redis: { status: 'up', connected: true, memory: expect.stringMatching(/^[0-9.]+MB$/u) },
        },
      }),
    )
    await fetch(`${gateway.url}/api/v1/auth/sessions`)
    const metrics = await (await fetch(`${gateway.url}/api/v1/metrics`)).text()
    expect(metrics).toMatch(/^redis_operations_duration_seconds_count\{/mu)

    await redis.stop()
    await vi.waitFor(async () =>
      expect(await health()).toMatchObject({
        status: 'degraded',
        info: { redis: { status: 'down', connected: false } },
      }),
    )
    const { status } = await fetch(`${gateway.url}/api/v1/auth/sessions`)
    expect(status).toBe(401)
  })
})

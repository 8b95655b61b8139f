import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { request as httpRequest } from 'undici'
import { expect, onTestFinished, test, vi } from 'vitest'
import { redisService, startRedis } from '@potok/core/testing/redis-server'
import { describeService } from '@potok/core/testing/services'
import { startGateway, startService } from '../testing/gateway.ts'
import { startStateService } from '../testing/state-service.ts'

type Gateway = Awaited<ReturnType<typeof startGateway>>

/** What a service says that tells nothing special: how often it was asked. */
function counting(headers: Record<string, string> = {}): RequestListener {
  let count = 0
  return (request, response) => {
    count += 1
    const actor = String(request.headers['x-actor'])
    response.writeHead(200, { 'content-type': 'application/json', etag: `"${count}"`, ...headers })
    response.end(JSON.stringify({ count, actor }))
  }
}

/** With an event log to follow, and a task service whose analytics are kept. */
async function build(listener: RequestListener = counting(), env: Record<string, string> = {}) {
  const state = await startStateService()
  const task = await startService(listener)
  const gateway = await startGateway({
    STATE_SERVICE_URL: state.url,
    TASK_SERVICE_URL: task.url,
    RESPONSE_CACHE_STATES: 'true',
    ...env,
  })
  await vi.waitFor(() => expect(gateway.app.stateEvents.connected()).toBe(true))
  const people = { manager: await gateway.as('manager'), admin: await gateway.as('admin') }
  const ask = askAt(gateway, people)
  /** A change, and the gateway has heard of it. */
  const change = async (entity: string, id: string) => {
    const { cursor } = state.change(entity, id, 'pending')
    await vi.waitFor(() => expect(gateway.app.stateEvents.cursor()).toBe(cursor))
  }
  return { state, task, gateway, ask, change, people }
}

function askAt({ url }: Gateway, people: Record<string, Record<string, string>>) {
  return async (path: string, headers: Record<string, string> = {}, person = 'manager') => {
    // fetch would add a Cache-Control to conditions.
    const answer = await httpRequest(`${url}${path}`, {
      headers: { ...people[person], ...headers },
    })
    const text = await answer.body.text()
    const got = (name: string) => answer.headers[name] ?? null
    return { status: answer.statusCode, said: got('cache-status'), headers: { get: got }, text }
  }
}

const ANALYTICS = '/api/v1/analytics/load?days=7'

test('the second question is answered from memory, with its age, and says so', async () => {
  const { ask, task } = await build()

  const first = await ask(ANALYTICS)
  const second = await ask(ANALYTICS)

  expect(first.said).toBe('potok-gateway; fwd=uri-miss; stored')
  expect(second.said).toMatch(/^potok-gateway; hit; ttl=(?:29|30)$/u)
  expect(second.text).toBe(first.text)
  expect(second.headers.get('age')).toBe('0')
  expect(second.headers.get('etag')).toBe('"1"')
  expect(second.headers.get('content-type')).toBe('application/json')
  expect(task.requests).toHaveLength(1)
})

test('what belongs to one request is not kept: correlation, limit and security headers are its own', async () => {
  const { ask } = await build()
  await ask(ANALYTICS, { 'x-correlation-id': 'first' })

  const second = await ask(ANALYTICS, { 'x-correlation-id': 'second', origin: 'https://max.app' })

  expect(second.said).toContain('hit')
  expect(second.headers.get('x-correlation-id')).toBe('second')
  expect(second.headers.get('access-control-allow-origin')).toBe('https://max.app')
  expect(second.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(second.headers.get('vary')).toContain('Origin')
})

test('nobody gets what was fetched for somebody else', async () => {
  const { ask, task } = await build()

  const manager = await ask(ANALYTICS)
  const admin = await ask(ANALYTICS, {}, 'admin')

  expect(JSON.parse(manager.text)).toMatchObject({ actor: 'user:manager' })
  expect(JSON.parse(admin.text)).toMatchObject({ actor: 'user:admin' })
  expect(task.requests).toHaveLength(2)
})

test('without a token, or with a bad one, what is kept is not shown', async () => {
  const { ask } = await build()
  await ask(ANALYTICS)

  const anonymous = await ask(ANALYTICS, {}, 'nobody')
  const forged = await ask(ANALYTICS, { authorization: 'Bearer a.b.c' }, 'nobody')

  expect([anonymous.status, forged.status]).toEqual([401, 401])
})

test('keys cannot be mixed: path, query and the headers that choose a form are apart', async () => {
  const { ask, task } = await build()
  const asked: [string, Record<string, string>][] = [
    ['/api/v1/analytics/a?b', {}],
    ['/api/v1/analytics/a%22,%22b', {}],
    ['/api/v1/analytics/a?b&c', {}],
    ['/api/v1/analytics/a?b', { accept: 'text/csv' }],
    ['/api/v1/analytics/a?b', { 'accept-language': 'text/csv' }],
    ['/api/v1/analytics/a?b', { 'accept-encoding': 'gzip' }],
  ]

  for (const [path, headers] of asked) await ask(path, headers)
  expect(task.requests).toHaveLength(asked.length)
  for (const [path, headers] of asked) expect((await ask(path, headers)).said).toContain('hit')
})

test.each([
  ['an error', (response: ServerResponse) => void (response.statusCode = 500)],
  [
    'an answer that is nobody’s to keep',
    (r: ServerResponse) => r.setHeader('cache-control', 'no-store'),
  ],
  [
    'one that must be asked for each time',
    (r: ServerResponse) => r.setHeader('cache-control', 'no-cache'),
  ],
  [
    'one that varies by what is not in the key',
    (r: ServerResponse) => r.setHeader('vary', 'x-tenant'),
  ],
  ['one that varies by everything', (r: ServerResponse) => r.setHeader('vary', '*')],
  ['one that sets a cookie', (r: ServerResponse) => r.setHeader('set-cookie', 'a=b')],
  ['one of no age', (r: ServerResponse) => r.setHeader('cache-control', 'max-age=0')],
])('%s is not kept', async (_what, prepare) => {
  const { ask, task } = await build((_request, response) => {
    response.setHeader('content-type', 'application/json')
    prepare(response)
    response.end('{}')
  })

  const first = await ask(ANALYTICS)
  await ask(ANALYTICS)

  expect(first.said).toBe('potok-gateway; fwd=uri-miss')
  expect(task.requests).toHaveLength(2)
})

test('a form of the answer that the client has is a 304, kept or not', async () => {
  const { ask, task } = await build()

  const first = await ask(ANALYTICS, { 'if-none-match': '"1"' })
  const kept = await ask(ANALYTICS, { 'if-none-match': 'W/"1", "7"' })
  const other = await ask(ANALYTICS, { 'if-none-match': '"2"' })

  expect(first).toMatchObject({ status: 304, text: '' })
  expect(kept).toMatchObject({ status: 304, text: '' })
  expect(kept.headers.get('etag')).toBe('"1"')
  expect(other.status).toBe(200)
  expect(task.requests).toHaveLength(1)
  expect(task.requests[0]?.headers).not.toHaveProperty('if-none-match')
})

test('no-cache asks anew and keeps that, no-store leaves nothing behind', async () => {
  const { ask } = await build()
  await ask(ANALYTICS)

  const anew = await ask(ANALYTICS, { 'cache-control': 'no-cache' })
  const after = await ask(ANALYTICS)
  const none = await ask('/api/v1/analytics/other', { 'cache-control': 'no-store' })

  expect(anew.said).toBe('potok-gateway; fwd=request; stored')
  expect(JSON.parse(after.text)).toMatchObject({ count: 2 })
  expect(none.said).toBe('potok-gateway; fwd=bypass')
  expect((await ask('/api/v1/analytics/other')).said).toContain('uri-miss')
})

/** A service whose answers wait until they are let go. */
function slow() {
  const waiting: { request: IncomingMessage; response: ServerResponse }[] = []
  const listener: RequestListener = (request, response) => void waiting.push({ request, response })
  const letGo = (text: string, status = 200): void => {
    for (const { response } of waiting.splice(0)) {
      response.writeHead(status, { 'content-type': 'application/json' }).end(text)
    }
  }
  return { listener, waiting, letGo }
}

test('one question at a time: those who ask the same meanwhile share its answer', async () => {
  const { listener, waiting, letGo } = slow()
  const { ask, task } = await build(listener)

  const answers = Array.from({ length: 20 }, () => ask(ANALYTICS))
  await vi.waitFor(() => expect(waiting).toHaveLength(1))
  letGo('{"n":1}')

  const said = (await Promise.all(answers)).map((answer) => answer.said)
  expect(task.requests).toHaveLength(1)
  expect(said.filter((one) => one === 'potok-gateway; fwd=uri-miss; stored')).toHaveLength(1)
  expect(new Set((await Promise.all(answers)).map(({ text }) => text))).toEqual(
    new Set(['{"n":1}']),
  )
})

test('when the one question fails, nobody waits in a line behind it', async () => {
  const { listener, waiting, letGo } = slow()
  const { ask } = await build(listener, { CIRCUIT_BREAKER_FAILURE_THRESHOLD: '1000' })

  const answers = Array.from({ length: 5 }, () => ask(ANALYTICS))
  await vi.waitFor(() => expect(waiting).toHaveLength(1))
  letGo('{}', 500)
  await vi.waitFor(() => expect(waiting).toHaveLength(4))
  letGo('{"n":2}')

  const statuses = (await Promise.all(answers)).map(({ status }) => status)
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 200, 200, 500])
})

test('when the one who asked leaves, another asks', async () => {
  const { listener, waiting, letGo } = slow()
  const { ask, gateway, people } = await build(listener)
  const leaving = new AbortController()
  const left = fetch(`${gateway.url}${ANALYTICS}`, {
    headers: people.manager,
    signal: leaving.signal,
  })
  await vi.waitFor(() => expect(waiting).toHaveLength(1))
  const others = [ask(ANALYTICS), ask(ANALYTICS)]

  waiting.splice(0)
  leaving.abort()
  await expect(left).rejects.toThrow('aborted')
  await vi.waitFor(() => expect(waiting).toHaveLength(1))
  letGo('{"n":3}')

  expect((await Promise.all(others)).map(({ text }) => text)).toEqual(['{"n":3}', '{"n":3}'])
})

test('an event throws away what it is about, and nothing else', async () => {
  const { state, ask, change } = await build()
  let version = 0
  state.tasks.answer = (_request, reply) => {
    version += 1
    return reply.header('etag', `"${version}"`).send({ version })
  }
  const one = '/api/v1/states/task/t1'
  const other = '/api/v1/states/task/t2'
  const list = '/api/v1/states/task?status=pending'
  for (const path of [one, other, list]) await ask(path)

  await change('task', 't1')

  expect((await ask(one)).said).toBe('potok-gateway; fwd=stale; stored')
  expect((await ask(list)).said).toBe('potok-gateway; fwd=stale; stored')
  expect((await ask(other)).said).toContain('hit')
})

test('an answer that was under way while its subject changed is not kept', async () => {
  const { state, ask, change } = await build()
  const waiting: (() => void)[] = []
  state.tasks.answer = async (_request, reply) => {
    await new Promise<void>((resolve) => void waiting.push(resolve))
    return reply.header('etag', '"1"').send({ version: 1 })
  }
  const before = ask('/api/v1/states/task/t1')
  await vi.waitFor(() => expect(waiting).toHaveLength(1))

  await change('task', 't1')
  // Who asks after the change must not be given what was asked for before it.
  const after = ask('/api/v1/states/task/t1')
  await vi.waitFor(() => expect(waiting).toHaveLength(2))
  for (const resolve of waiting.splice(0)) resolve()

  expect((await before).said).toBe('potok-gateway; fwd=uri-miss')
  expect((await after).said).toBe('potok-gateway; fwd=uri-miss; stored')
})

test('who changes something through us reads it at once, before any event', async () => {
  const { state, ask, gateway, people } = await build()
  let version = 1
  state.tasks.answer = (request, reply) => {
    if (request.method === 'PUT') version += 1
    return reply.send({ version })
  }
  await ask('/api/v1/states/task/t1')
  await fetch(`${gateway.url}/api/v1/states/task/t1`, {
    method: 'PUT',
    headers: { ...people.manager, 'content-type': 'application/json' },
    body: '{"status":"pending"}',
  })

  expect(JSON.parse((await ask('/api/v1/states/task/t1')).text)).toEqual({ version: 2 })
})

test('the state service is asked for what its store says, not for what it keeps', async () => {
  const { state, ask } = await build()
  const seen: unknown[] = []
  state.tasks.answer = (request, reply) => {
    seen.push(request.headers['cache-control'])
    return reply.send({})
  }

  await ask('/api/v1/states/task/t1')

  expect(seen).toEqual(['no-cache'])
})

test('while the event log is not heard nothing that it tells of is kept or shown', async () => {
  const { state, ask, gateway, task } = await build()
  await ask(ANALYTICS)
  state.goAway()
  await vi.waitFor(() => expect(gateway.app.stateEvents.connected()).toBe(false))

  const answer = await ask(ANALYTICS)

  expect(answer.said).toBe('potok-gateway; fwd=bypass')
  expect(task.requests).toHaveLength(2)
})

test('rules are kept for all with the same rights; a change of them through us is seen at once', async () => {
  const service = await startService(counting())
  const gateway = await startGateway({ STATE_SERVICE_URL: service.url })
  const people = { member: await gateway.as('member'), admin: await gateway.as('admin') }
  const ask = askAt(gateway, people)
  const path = '/api/v1/machines/task'

  await ask(path, {}, 'member')
  expect((await ask(path, {}, 'member')).said).toContain('hit')
  expect((await ask(path, {}, 'admin')).said).toContain('uri-miss')

  await fetch(`${gateway.url}${path}`, {
    method: 'PUT',
    headers: { ...people.admin, 'content-type': 'application/json' },
    body: '{}',
  })
  expect((await ask(path, {}, 'member')).said).toContain('stale')
})

test('states are kept only when the operator wants it; a time of 0 keeps nothing', async () => {
  const off = await build(counting(), { RESPONSE_CACHE_STATES: 'false' })
  off.state.tasks.answer = (_request, reply) => reply.send({})
  expect((await off.ask('/api/v1/states/task/t1')).said).toBeNull()

  const never = await build(counting(), { RESPONSE_CACHE_TTL: '0' })
  expect((await never.ask(ANALYTICS)).said).toBeNull()
})

test('what became of the questions is counted', async () => {
  const { ask, gateway } = await build()
  await ask(ANALYTICS)
  await ask(ANALYTICS)

  const metrics = await (await fetch(`${gateway.url}/api/v1/metrics`)).text()

  expect(metrics).toContain('response_cache_requests_total{result="miss"} 1')
  expect(metrics).toContain('response_cache_requests_total{result="hit"} 1')
  expect(
    Number(/^response_cache_bytes (?<bytes>\d+)$/mu.exec(metrics)?.groups?.['bytes']),
  ).toBeGreaterThan(500)
})

describeService(redisService, 'with a Redis', () => {
  async function replicas() {
    const redis = await startRedis()
    if (redis === undefined) throw new Error('no Redis')
    onTestFinished(() => redis.stop())
    const one = await build(counting(), { REDIS_HOST: redis.host, REDIS_PORT: String(redis.port) })
    const gateway = await startGateway({
      STATE_SERVICE_URL: one.state.url,
      TASK_SERVICE_URL: one.task.url,
      RESPONSE_CACHE_STATES: 'true',
      REDIS_HOST: redis.host,
      REDIS_PORT: String(redis.port),
    })
    await vi.waitFor(() => expect(gateway.app.stateEvents.connected()).toBe(true))
    const two = askAt(gateway, { manager: await gateway.as('manager') })
    const { redisLink } = gateway.app
    if (redisLink === undefined) throw new Error('no link')
    await vi.waitFor(() => expect(redisLink.client.status).toBe('ready'))
    const first = one.gateway.app.redisLink
    await vi.waitFor(() => expect(first?.client.status).toBe('ready'))
    /** Asks the first replica until what it was told is in Redis: under load a deadline may be missed. */
    const fill = () =>
      vi.waitFor(
        async () => {
          await one.ask(ANALYTICS, { 'cache-control': 'no-cache' })
          expect(await redisLink.client.keys('*response-cache:*')).toHaveLength(1)
        },
        { timeout: 10_000, interval: 100 },
      )
    const keys = (): Promise<string[]> => redisLink.client.keys('*response-cache:*')
    const caughtUp = (cursor: string) =>
      vi.waitFor(() => expect(gateway.app.stateEvents.cursor()).toBe(cursor))
    return { ...one, redis, two, keys, fill, client: redisLink.client, caughtUp }
  }

  test('what one replica fetched the other has too, until it changes', async () => {
    const { two, task, fill, state, change, caughtUp } = await replicas()
    await fill()

    const asked = task.requests.length

    expect((await two(ANALYTICS)).said).toContain('hit')
    expect(task.requests).toHaveLength(asked)

    await change('task', 't1')
    await caughtUp(state.log.head())
    expect((await two(ANALYTICS)).said).toContain('stored')
    expect(task.requests).toHaveLength(asked + 1)
  })

  test('what a replica fetched that had not heard of a change is not taken over', async () => {
    const { two, keys, fill, state, client, change, caughtUp } = await replicas()
    await fill()
    const [key = ''] = await keys()
    const old = await client.get(key.replace(/^potok:/u, ''))
    await change('task', 't1')
    await caughtUp(state.log.head())

    // It writes late what it asked for before.
    await client.set(key.replace(/^potok:/u, ''), old ?? '')

    expect((await two(ANALYTICS)).said).toContain('uri-miss')
  })

  test('what is no entry of ours is none', async () => {
    const { two, keys, fill, client } = await replicas()
    await fill()
    const [key = ''] = await keys()

    for (const poison of ['', '{', '{"body":"x"}', 'null']) {
      await client.set(key.replace(/^potok:/u, ''), poison)
      expect((await two(ANALYTICS, { 'cache-control': 'max-age=1' })).status).toBe(200)
    }
  })

  test('killed or frozen it costs a deadline, never an answer', async () => {
    const { two, redis } = await replicas()
    redis.pause()
    expect((await two(ANALYTICS)).said).toContain('stored')
    redis.resume()
    await redis.kill()
    expect((await two('/api/v1/analytics/other')).said).toContain('stored')
  })
})

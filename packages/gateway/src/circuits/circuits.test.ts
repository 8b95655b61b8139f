import { expect, test, vi } from 'vitest'
import { createParser } from '@potok/core/validation'
import { startGateway, startService } from '../testing/gateway.ts'
import { CircuitList } from './schemas.ts'

const parseList = createParser(CircuitList)

const THRESHOLDS = {
  CIRCUIT_BREAKER_FAILURE_THRESHOLD: '5',
  CIRCUIT_BREAKER_SUCCESS_THRESHOLD: '2',
  CIRCUIT_BREAKER_TIMEOUT: '400',
}

/** Clients at once. */
const LOAD = 50

interface Case {
  /** What it answers while it fails. */
  status: number
  env: Record<string, string>
  now: () => number
}

/** A gateway before a task service that fails or not, with what an operator can see of the circuit. */
async function build({ status = 500, env = THRESHOLDS, now = Date.now }: Partial<Case> = {}) {
  let failing = true
  const task = await startService((_request, response) => {
    response.statusCode = failing ? status : 200
    response.end('{}')
  })
  const gateway = await startGateway({ TASK_SERVICE_URL: task.url, ...env }, { now })
  const admin = await gateway.as('admin')
  const get = (path: string) => fetch(`${gateway.url}${path}`, { headers: admin })
  return {
    ...gateway,
    task,
    adminHeaders: admin,
    ask: () => get('/api/v1/tasks'),
    recover: () => {
      failing = false
    },
    /** What the metric says, and what the route says. */
    seen: async () => {
      const metrics = await (await get('/api/v1/metrics')).text()
      const metric = /^circuit_breaker_state\{service="task"\} (?<value>\d)$/mu.exec(metrics)
      const { items } = parseList(await (await get('/api/v1/gateway/circuits')).json())
      return {
        metric: metric?.groups?.['value'],
        route: items.find(({ service }) => service === 'task')?.state,
      }
    },
    act: (action: string, service = 'task', headers = admin) =>
      fetch(`${gateway.url}/api/v1/gateway/circuits/${service}/${action}`, {
        method: 'POST',
        headers,
      }),
  }
}

test('five failures open the circuit, two successes after its time close it; metric and route agree', async () => {
  const { ask, seen, task, recover } = await build()
  expect(await seen()).toEqual({ metric: '0', route: 'closed' })

  for (let count = 0; count < 5; count += 1) expect((await ask()).status).toBe(500)
  expect(await seen()).toEqual({ metric: '1', route: 'open' })

  const refused = await ask()
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(await refused.json()).toMatchObject({
    code: 'UPSTREAM_CIRCUIT_OPEN',
    reason: 'breaker_open',
  })
  expect(task.requests).toHaveLength(5)

  recover()
  await vi.waitFor(async () => expect((await seen()).route).toBe('half_open'))
  expect((await ask()).status).toBe(200)
  expect(await seen()).toEqual({ metric: '2', route: 'half_open' })
  expect((await ask()).status).toBe(200)
  expect(await seen()).toEqual({ metric: '0', route: 'closed' })
})

test('at a service that answers 503 to everything: five attempts, then 60 s of refusals at once', async () => {
  const clock = { now: Date.parse('2026-01-01T00:00:00Z') }
  const { ask, seen, task, recover, lines } = await build({
    status: 503,
    env: {},
    now: () => clock.now,
  })

  const answers = await Promise.all(Array.from({ length: LOAD }, ask))
  expect(answers.every(({ status }) => status === 503)).toBe(true)
  // Those under way when it opened had been let in.
  expect(task.requests.length).toBeLessThanOrEqual(LOAD * 1.25)
  expect(await seen()).toEqual({ metric: '1', route: 'open' })

  const asked = task.requests.length
  const refused = await Promise.all(Array.from({ length: LOAD }, ask))
  expect(refused.map(({ headers }) => headers.get('retry-after'))).toEqual(
    Array.from({ length: LOAD }, () => '60'),
  )
  expect(task.requests).toHaveLength(asked)

  recover()
  clock.now += 59_999
  expect((await ask()).status).toBe(503)
  expect(await seen()).toEqual({ metric: '1', route: 'open' })

  clock.now += 1
  expect(await seen()).toEqual({ metric: '2', route: 'half_open' })
  expect((await ask()).status).toBe(200)
  expect(await seen()).toEqual({ metric: '2', route: 'half_open' })
  expect((await ask()).status).toBe(200)
  expect(await seen()).toEqual({ metric: '0', route: 'closed' })
  const told = lines.filter((line) => line['to'] !== undefined && line['upstream'] === 'task')
  expect(told.map(({ to }) => to)).toEqual(['open', 'half_open', 'closed'])
})

test('one client at a time sees exactly five attempts before it opens', async () => {
  const { ask, seen, task } = await build({ status: 503, env: {} })

  await ask()
  expect(await seen()).toEqual({ metric: '0', route: 'closed' })
  await ask()

  expect(task.requests).toHaveLength(5)
  expect(await seen()).toEqual({ metric: '1', route: 'open' })
})

test('an administrator opens, closes and resets a circuit, and the log says who', async () => {
  const { act, ask, seen, recover, lines } = await build()
  recover()

  const opened = await (await act('open')).json()
  expect(opened).toMatchObject({ service: 'task', state: 'open', held: true })
  expect((await ask()).status).toBe(503)
  expect(await seen()).toEqual({ metric: '1', route: 'open' })
  expect(lines).toContainEqual(
    expect.objectContaining({
      event: 'circuit.switched',
      userId: 'admin',
      service: 'task',
      action: 'open',
    }),
  )

  expect(await (await act('close')).json()).toMatchObject({ state: 'closed', held: false })
  expect((await ask()).status).toBe(200)
  expect(await (await act('reset')).json()).toMatchObject({ state: 'closed', failures: 0 })
})

test('nobody else may see or switch them', async () => {
  const { as, act, url } = await build()
  for (const role of ['member', 'manager'] as const) {
    const headers = await as(role)
    expect((await fetch(`${url}/api/v1/gateway/circuits`, { headers })).status).toBe(403)
    expect((await act('open', 'task', headers)).status).toBe(403)
  }
})

test('a service that is not there is a 404, one that cannot be is a 400', async () => {
  const { act } = await build()
  const bare = await startGateway()
  const answer = await fetch(`${bare.url}/api/v1/gateway/circuits/task/open`, {
    method: 'POST',
    headers: await bare.as('admin'),
  })

  expect(answer.status).toBe(404)
  expect((await act('open', 'database')).status).toBe(400)
  expect((await act('explode')).status).toBe(404)
})

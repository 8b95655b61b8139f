import { expect, test, vi } from 'vitest'
import { startGateway, startService } from '../testing/gateway.ts'

const UPSTREAM_MS = 80

/** A gateway before a service that takes its time, and then says no when asked to. */
async function build(status = 200) {
  const task = await startService((_request, response) => {
    setTimeout(() => {
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': '2' })
      response.end('{}')
    }, UPSTREAM_MS)
  })
  const gateway = await startGateway({ TASK_SERVICE_URL: task.url })
  const headers = await gateway.as('manager')
  const metrics = async () => (await fetch(`${gateway.url}/api/v1/metrics`)).text()
  const accessLine = (url: string) =>
    vi.waitFor(() => {
      const found = gateway.lines.find(
        ({ message, route }) => message === 'request completed' && route === url,
      )
      expect(found).toBeDefined()
      return found
    })
  return {
    ...gateway,
    task,
    metrics,
    accessLine,
    ask: () => fetch(`${gateway.url}/api/v1/tasks/t1`, { headers }),
  }
}

const sumOf = (metrics: string, name: string): number =>
  Number(
    new RegExp(`^${name}_sum\\{route="/api/v1/tasks/\\*",service="task"\\} (\\S+)$`, 'mu').exec(
      metrics,
    )?.[1],
  )

test('the service’s share of a request and ours are told apart, in the metrics and in the log', async () => {
  const { ask, metrics, accessLine } = await build()

  await (await ask()).text()
  const line = await accessLine('/api/v1/tasks/*')

  const text = await metrics()
  const upstream = sumOf(text, 'gateway_upstream_share_seconds') * 1000
  const own = sumOf(text, 'gateway_own_share_seconds') * 1000
  expect(upstream).toBeGreaterThanOrEqual(UPSTREAM_MS - 1)
  expect(own).toBeGreaterThan(0)
  expect(line).toMatchObject({ upstream: 'task', userId: 'manager' })
  expect(Number(line?.['upstreamMs'])).toBeCloseTo(upstream, 0)
  expect(Number(line?.['durationMs'])).toBeCloseTo(upstream + own, 0)
})

test('the part that said no is in the problem, in the access line and in the metrics', async () => {
  const { task, ask, metrics, accessLine } = await build()
  await task.close()

  expect(await (await ask()).json()).toMatchObject({ reason: 'upstream_unreachable' })

  expect(await accessLine('/api/v1/tasks/*')).toMatchObject({
    status: 502,
    code: 'UPSTREAM_UNREACHABLE',
    reason: 'upstream_unreachable',
    upstream: 'task',
  })
  const text = await metrics()
  expect(text).toContain(
    'http_problems_total{code="UPSTREAM_UNREACHABLE",reason="upstream_unreachable"} 1',
  )
  expect(text).toContain('upstream_failures_total{service="task",reason="upstream_unreachable"} 1')
})

import { fastify } from 'fastify'
import { expect, onTestFinished, test, vi } from 'vitest'
import access from '../access/index.ts'
import metrics from '../metrics/index.ts'
import problem from '../problem/index.ts'
import overload, { type OverloadOptions } from './index.ts'

async function build(options: Partial<OverloadOptions> = {}) {
  const app = fastify()
  onTestFinished(() => app.close())
  await app.register(access)
  await app.register(problem)
  await app.register(metrics, { enabled: true })
  await app.register(overload, {
    maxDelayMs: 50,
    sampleMs: 50,
    isEssential: ({ url }) => url !== '/work',
    ...options,
  })
  for (const url of ['/work', '/health']) {
    app.get(url, { config: { public: true } }, async () => ({ done: true }))
  }
  await app.ready()
  return app
}

/** Work that keeps everything else waiting. */
function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

test('while the loop lags work is refused with Retry-After, and what is essential is answered', async () => {
  const app = await build()

  const refused = await vi.waitFor(async () => {
    block(150)
    const answer = await app.inject('/work')
    expect(answer.statusCode).toBe(503)
    return answer
  }, 10_000)
  const essential = await app.inject('/health')

  expect(refused.headers['retry-after']).toBe('1')
  expect(refused.headers['content-type']).toContain('application/problem+json')
  expect(refused.json()).toMatchObject({ code: 'OVERLOAD_SHED', reason: 'overloaded' })
  expect(essential.statusCode).toBe(200)
  expect(await app.registry.metrics()).toMatch(/^http_requests_shed_total [1-9]/mu)
})

test('when the loop turns again, work is taken again', async () => {
  const app = await build()
  await vi.waitFor(async () => {
    block(300)
    expect((await app.inject('/work')).statusCode).toBe(503)
  }, 10_000)

  await vi.waitFor(async () => expect((await app.inject('/work')).statusCode).toBe(200), {
    timeout: 10_000,
  })
})

test('a limit of 0 refuses nothing', async () => {
  const app = await build({ maxDelayMs: 0 })
  block(300)

  expect((await app.inject('/work')).statusCode).toBe(200)
})

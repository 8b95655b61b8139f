import { createConfig, lintFromString } from '@redocly/openapi-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { call } from '../scripts/system/api.ts'
import { startPrivateSystem, type PrivateSystem } from '../scripts/system/private-system.ts'

interface ApiDocument {
  info: { description: string }
  paths: Record<string, Record<string, { operationId: string }>>
}

let system: PrivateSystem
beforeAll(async () => {
  system = await startPrivateSystem({
    only: ['admin', 'state', 'gateway'],
    env: { DOCS_TTL: '1', CIRCUIT_BREAKER_TIMEOUT: '100' },
  })
}, 120_000)
afterAll(() => system?.stop())

const DOCUMENTS = { gateway: '/api/docs/json', state: '/api-docs/json', admin: '/api-docs/json' }

const documentOf = async (name: keyof typeof DOCUMENTS): Promise<ApiDocument> =>
  (await call<ApiDocument>(system.url(name) + DOCUMENTS[name])).body

describe.each(['gateway', 'state', 'admin'] as const)('the document of the %s', (name) => {
  test("passes Redocly's recommended rules without an error or a warning", async () => {
    const problems = await lintFromString({
      source: JSON.stringify(await documentOf(name)),
      absoluteRef: `/${name}.json`,
      config: await createConfig({ extends: ['recommended'] }),
    })

    const told = problems.map(
      ({ ruleId, severity, message, location: [place] }) =>
        `${severity} ${ruleId} ${place?.pointer}: ${message}`,
    )
    expect(told).toEqual([])
  })

  test('knows the metrics and the probes', async () => {
    const { paths } = await documentOf(name)
    const prefix = name === 'gateway' ? '/api/v1' : ''

    expect(paths).toHaveProperty(`${prefix}/metrics.get`)
    expect(paths).toHaveProperty(`${prefix}/health/liveness.get`)
  })

  test('is there as YAML, and as a page', async () => {
    const { json, page } = { json: DOCUMENTS[name], page: DOCUMENTS[name].replace('/json', '') }
    const yaml = await fetch(system.url(name) + json.replace('json', 'yaml'))
    const html = await fetch(system.url(name) + page)

    expect(await yaml.text()).toContain('openapi: 3.1.0')
    expect(await html.text()).toContain('swagger-ui')
  })
})

describe('the document of the gateway', () => {
  test('has the operations of the services as they are reached through it, no internal one', async () => {
    const { paths, info } = await documentOf('gateway')

    expect(paths).toHaveProperty('/api/v1/auth/login.post')
    expect(paths).toHaveProperty('/api/v1/states/{entity}/{id}.get')
    expect(paths).toHaveProperty('/api/v1/admin/users/{id}.patch')
    for (const inside of [
      '/api/v1/internal/events',
      '/api/v1/admin/users/verify',
      '/api/v1/users',
      '/api/v1/services',
      '/health/liveness',
      '/metrics',
    ]) {
      expect(Object.keys(paths)).not.toContain(inside)
    }
    expect(info.description).toMatch(/\*\*state\*\* as of \d/u)
  })

  test('keeps the part of a service that is down, and says so; one that never answered is missing', async () => {
    const before = await documentOf('gateway')
    const told = async () => (await documentOf('gateway')).info.description

    await system.process('state').end('SIGKILL')
    await vi.waitFor(
      async () => expect(await told()).toMatch(/\*\*state\*\* does not answer: .* as it was at/u),
      10_000,
    )
    expect(Object.keys((await documentOf('gateway')).paths)).toEqual(Object.keys(before.paths))

    await system.process('gateway').end()
    await system.process('gateway').start()
    const without = await documentOf('gateway')
    expect(Object.keys(without.paths)).not.toContain('/api/v1/states/{entity}')
    expect(without.paths).toHaveProperty('/api/v1/admin/users')
    expect(without.info.description).toContain('**state** does not answer: its part is missing')

    await system.process('state').start()
    await vi.waitFor(async () => expect(await told()).toMatch(/\*\*state\*\* as of/u), 10_000)
    expect(Object.keys((await documentOf('gateway')).paths)).toEqual(Object.keys(before.paths))
  })
})

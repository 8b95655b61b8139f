import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parse } from 'yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findProgram } from '@potok/core/testing/programs'
import { describeService } from '@potok/core/testing/services'
import { dashboards } from '../../scripts/generate/dashboards.ts'
import { startPrivateSystem, type PrivateSystem } from '../../scripts/system/private-system.ts'
import { root } from '../../scripts/system/root.ts'
import {
  BY_PORT,
  compose,
  containersOf,
  flatManifests,
  kubectl,
  kustomized,
  read,
  servicePart,
  shippedFiles,
} from './shipped.ts'

type Service = (typeof BY_PORT)[keyof typeof BY_PORT]
interface Claim {
  where: string
  service: Service
  path: string
}

/** `http://127.0.0.1:3001/api/v1/health/readiness`, also in the pieces that a HEALTHCHECK is written in. */
const ADDRESS =
  /http:\/\/[a-z0-9.-]+:(?:' \+ process\.env\.PORT \+ '|(?<port>300[0-2]))(?<path>\/[A-Za-z0-9/_.-]*)/gu

function claimsIn(where: string, text: string, own?: Service): Claim[] {
  return [...text.matchAll(ADDRESS)].flatMap(({ groups }) => {
    const port = Number(groups?.['port']) as keyof typeof BY_PORT
    const service = own ?? BY_PORT[port]
    return [{ where, service, path: groups?.['path'] ?? '' }]
  })
}

function fromDockerfiles(): Claim[] {
  const files = {
    gateway: 'Dockerfile.gateway',
    state: 'Dockerfile.state',
    admin: 'deploy/docker/Dockerfile.admin',
  } as const
  return Object.entries(files).flatMap(([service, file]) =>
    claimsIn(file, read(file), service as Service),
  )
}

function fromCompose(): Claim[] {
  return ['docker-compose.yml', 'docker-compose.dev.yml'].flatMap((file) =>
    Object.entries(compose(file).services).flatMap(([name, { healthcheck }]) =>
      // Grafana has a port 3000 of its own.
      name === 'grafana' ? [] : claimsIn(`${file} ${name}`, JSON.stringify(healthcheck ?? {})),
    ),
  )
}

function fromCluster(): Claim[] {
  return containersOf(flatManifests()).flatMap((container) => {
    const service = servicePart(container.image)
    const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe]
    return probes.flatMap((probe) =>
      probe?.httpGet === undefined || service === undefined
        ? []
        : [{ where: `deploy/k8s ${container.name}`, service, path: probe.httpGet.path }],
    )
  })
}

interface Scrape {
  scrape_configs: { job_name: Service; metrics_path: string; dns_sd_configs: { port: number }[] }[]
}
const scrapes = (parse(read('deploy/prometheus/prometheus.yml')) as Scrape).scrape_configs

interface Rules {
  groups: {
    rules: { alert: string; expr: string; annotations: { runbook_url: string; summary: string } }[]
  }[]
}
const alerts = (parse(read('deploy/prometheus/rules.yml')) as Rules).groups.flatMap(
  ({ rules }) => rules,
)

/** Words of PromQL that are no metric. */
const WORDS = new Set(
  'by without on ignoring group_left group_right or and unless bool offset le'.split(' '),
)

/** The metrics that a query asks for: names that are neither called, nor labels, nor strings. */
function metricsIn(query: string): string[] {
  const bare = query
    .replaceAll(/"[^"]*"/gu, '')
    .replaceAll(/\{[^}]*\}/gu, ' ')
    .replaceAll(/\[[^\]]*\]/gu, ' ')
    .replaceAll(/\b(?:by|without|on|ignoring)\s*\([^)]*\)/gu, ' ')
  return [...bare.matchAll(/[a-zA-Z_:][\w:]*(?!\s*\()\b(?!\s*\()/gu)]
    .map(([name]) => name)
    .filter((name) => !WORDS.has(name))
}

/** Prometheus's own. */
const NOT_OURS = new Set(['up'])

/**
 * What the client library calls its gauges: promtool would have them without `_total`. Nothing of ours is excused.
 */
const LIBRARY = /^nodejs_active_(?:handles|requests|resources)_total /u

const promtool = {
  name: 'promtool',
  install: 'apt-get install prometheus',
  isInstalled: () => findProgram('promtool') !== undefined,
}

describe('what deploy/ says of the services', () => {
  let system: PrivateSystem
  const metrics = new Map<Service, string>()

  beforeAll(async () => {
    system = await startPrivateSystem({ only: ['admin', 'state', 'gateway'] })
    for (const { job_name: job, metrics_path: path } of scrapes) {
      const response = await fetch(`${system.url(job)}${path}`)
      if (!response.ok) throw new Error(`${job} ${path}: ${response.status}`)
      metrics.set(job, await response.text())
    }
  }, 120_000)
  afterAll(() => system?.stop())

  test('every probe and health check asks for what is there', async () => {
    const claims = [...fromDockerfiles(), ...fromCompose(), ...fromCluster()]

    expect(claims.length).toBeGreaterThanOrEqual(3 + 2 + 9)
    const failed: string[] = []
    for (const { where, service, path } of claims) {
      const { status } = await fetch(`${system.url(service)}${path}`)
      if (status !== 200) failed.push(`${where}: ${service} ${path} ${status}`)
    }
    expect(failed).toEqual([])
  })

  test.skipIf(kubectl() === undefined)('monitors of the cluster scrape what is there', async () => {
    const monitors = (await kustomized('deploy/k8s/overlays/production')).filter(
      ({ kind }) => kind === 'ServiceMonitor',
    )

    expect(monitors).toHaveLength(3)
    for (const { metadata, spec } of monitors) {
      const service = servicePart(metadata.name)
      const [endpoint] = (spec?.['endpoints'] ?? []) as { path: string }[]
      expect(scrapes.find(({ job_name: job }) => job === service)?.metrics_path).toBe(
        endpoint?.path,
      )
    }
  })

  test('Prometheus scrapes the ports that the services listen on', () => {
    expect(scrapes.map(({ job_name: job, dns_sd_configs: [sd] }) => [sd?.port, job])).toEqual(
      expect.arrayContaining(Object.entries(BY_PORT).map(([port, job]) => [Number(port), job])),
    )
  })

  test('every path of the nginx configuration is one of the gateway', async () => {
    const files = shippedFiles('deploy/nginx/potok', '.conf')
    const paths = files.flatMap((file) =>
      [...read(file).matchAll(/^location (?:= |\^~ )?(?<path>\/\S+)/gmu)].map(
        ({ groups }) => groups?.['path'] ?? '',
      ),
    )

    expect(paths).toContain('/api/v1/bot/webhook')
    const lost: string[] = []
    for (const path of paths) {
      // Without bot, body or token there are other answers; only what is nowhere is a 404 without a method.
      const statuses = await Promise.all(
        ['GET', 'POST'].map(async (method) => {
          const suffix = path === '/api/v1/internal' ? '/events' : ''
          const answer = await fetch(`${system.url('gateway')}${path}${suffix}`, { method })
          const body = await answer.text()
          return body.includes('ROUTE_NOT_FOUND') ? 404 : answer.status
        }),
      )
      if (path.endsWith('/health/')) continue
      if (statuses.every((status) => status === 404)) lost.push(path)
    }
    expect(lost).toEqual([])
  })

  const known = (service: Service, name: string): boolean => {
    const text = metrics.get(service) ?? ''
    const family = name.replace(/_(?:bucket|count|sum)$/u, '')
    return [name, family].some((one) => text.includes(`# TYPE ${one} `))
  }

  test('every alert asks for metrics that are there, and has a runbook', () => {
    const page = read('docs/operate.md')
    expect(alerts.length).toBeGreaterThan(10)
    for (const { alert, expr, annotations } of alerts) {
      const names = metricsIn(expr).filter((name) => !NOT_OURS.has(name))
      const lost = names.filter((name) => ![...metrics.keys()].some((job) => known(job, name)))

      expect({ alert, lost }).toEqual({ alert, lost: [] })
      expect(annotations.runbook_url).toBe(`docs/operate.md#${alert.toLowerCase()}`)
      expect(page).toMatch(new RegExp(String.raw`^#+ ${alert}$`, 'mu'))
    }
    expect(alerts.flatMap(({ expr }) => metricsIn(expr)).length).toBeGreaterThan(alerts.length)
  })

  test.each(Object.entries(dashboards()))(
    '%s is generated and asks for metrics that are there',
    (file, text) => {
      const service = /(?<name>[a-z]+)\.json$/u.exec(file)?.groups?.['name'] as Service
      const { panels } = JSON.parse(text) as { panels: { targets?: { expr: string }[] }[] }
      const names = panels.flatMap(({ targets = [] }) =>
        targets.flatMap(({ expr }) => metricsIn(expr)),
      )

      expect(read(file)).toBe(text)
      expect(names.length).toBeGreaterThan(8)
      expect(names.filter((name) => !known(service, name))).toEqual([])
    },
  )

  describeService(promtool, 'by promtool', () => {
    test('rules and scrape configuration are valid', () => {
      const rules = spawnSync('promtool', [
        'check',
        'rules',
        join(root, 'deploy/prometheus/rules.yml'),
      ])
      const config = spawnSync('promtool', [
        'check',
        'config',
        join(root, 'deploy/prometheus/prometheus.yml'),
      ])

      expect([rules.status, config.status]).toEqual([0, 0])
      expect(rules.stdout.toString()).toContain(`SUCCESS: ${alerts.length} rules found`)
    })

    test('the alerts fire when they should', () => {
      const { status, stdout } = spawnSync('promtool', [
        'test',
        'rules',
        join(root, 'test/deploy/rules.test.yml'),
      ])

      expect(stdout.toString()).toContain('SUCCESS')
      expect(status).toBe(0)
    })

    test.each(['gateway', 'state', 'admin'] as const)(
      'the metrics of %s are well made',
      (service) => {
        const { stderr } = spawnSync('promtool', ['check', 'metrics'], {
          input: metrics.get(service),
        })
        const complaints = stderr
          .toString()
          .split('\n')
          .filter((line) => line !== '' && !LIBRARY.test(line))

        expect(complaints).toEqual([])
      },
    )

    test('promtool would say so', () => {
      const bad = '# HELP a_count x\n# TYPE a_count gauge\na_count 1\n'

      expect(spawnSync('promtool', ['check', 'metrics'], { input: bad }).status).toBe(3)
    })
  })
})

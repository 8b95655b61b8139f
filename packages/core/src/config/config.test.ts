import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import { expect, test } from 'vitest'
import { ConfigError, readConfig, readEnvironment } from './index.ts'
import { baseConfig } from './schemas.ts'

const Config = Type.Object({
  ...baseConfig,
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 3002 }),
  SECRET: Type.Optional(Type.String({ developmentOnly: ['changeme'] })),
})

test('development needs nothing; an empty value is unset; foreign variables are ignored', () => {
  const config = readConfig(Config, { PORT: '', PATH: '/usr/bin' })

  expect(config.PORT).toBe(3002)
  expect(config.LOG_FORMAT).toBe('pretty')
  expect(config).not.toHaveProperty('PATH')
})

test('a bad environment names every bad variable', () => {
  const read = () =>
    readConfig(Config, { PORT: 'eighty', LOG_LEVEL: 'loud', DATABASE_URL: 'mysql://x' })

  expect(read).toThrow(ConfigError)
  expect(read).toThrow(/PORT must be integer/u)
  expect(read).toThrow(/LOG_LEVEL must be one of: fatal, error/u)
  expect(read).toThrow(/DATABASE_URL must match pattern/u)
})

test.each([
  [{}, 'API_KEYS still has a development default'],
  [{ API_KEYS: 'gateway=k1,state=state-service-key' }, 'API_KEYS still has a development default'],
  [{ API_KEYS: 'gateway=k1', SECRET: 'changeme' }, 'SECRET still has a development default'],
  [
    { API_KEYS: 'gateway=your-super-secret-jwt-key-change-in-production' },
    'API_KEYS still has a development default',
  ],
  [
    { API_KEYS: 'gateway=k1', DATABASE_URL: 'postgres://potok:password@db/potok' },
    'DATABASE_URL still has a development default',
  ],
])('production refuses %j', (env, message) => {
  expect(() => readConfig(Config, { NODE_ENV: 'production', ...env })).toThrow(message)
})

test('production names what is wrong and what is left of development at once, and tells no value', () => {
  const read = () => readConfig(Config, { NODE_ENV: 'production', PORT: 'eighty' })

  expect(read).toThrow(/PORT must be integer.*API_KEYS still has a development default/u)
  expect(read).not.toThrow(/service-key/u)
})

test('production logs JSON from info on', () => {
  const config = readConfig(Config, {
    NODE_ENV: 'production',
    API_KEYS: 'gateway=k1',
    SECRET: 's3cret',
  })

  expect(config).toMatchObject({ LOG_LEVEL: 'info', LOG_FORMAT: 'json' })
})

test('the environment wins over the file', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'potok-config-')), '.env')
  writeFileSync(file, '# comment\nPORT=1\nHOST=0.0.0.0\nAPP_NAME="a b"\n')

  const env = readEnvironment({ PORT: '2', HOST: '' }, file)

  expect(env).toEqual({ PORT: '2', HOST: '0.0.0.0', APP_NAME: 'a b' })
})

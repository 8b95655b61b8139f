import { spawn } from 'node:child_process'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TObject, TSchema } from '@sinclair/typebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Config as AdminConfig } from '@potok/admin/config'
import { readConfig } from '@potok/core/config'
import { DEVELOPMENT_SECRETS } from '@potok/core/config/schemas'
import { Config as GatewayConfig } from '@potok/gateway/config'
import { Config as StateConfig } from '@potok/state/config'
import { root } from '../scripts/system/root.ts'
import { productionEnvironment } from './deploy/production-environment.ts'

const SCHEMAS: Record<'gateway' | 'state' | 'admin', TObject> = {
  gateway: GatewayConfig,
  state: StateConfig,
  admin: AdminConfig,
}
const MUST_BE_SET = {
  gateway: ['API_KEYS', 'JWT_SECRET', 'JWT_REFRESH_SECRET', 'ADMIN_SERVICE_API_KEY'],
  state: ['API_KEYS', 'EXTERNAL_DB_API_KEY'],
  admin: ['API_KEYS', 'ADMIN_USERNAME', 'ADMIN_PASSWORD'],
} as const

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'potok-production-'))
  await copyFile(join(root, '.env.example'), join(directory, '.env'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe.each(['gateway', 'state', 'admin'] as const)('the %s in production', (name) => {
  test('does not start on the settings of development, names each and tells none', async () => {
    const child = spawn(process.execPath, [join(root, 'packages', name, 'dist', 'main.js')], {
      cwd: directory,
      env: { PATH: process.env['PATH'], NODE_ENV: 'production' },
    })
    const [output, errors, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise((resolve) => child.once('exit', resolve)),
    ])

    expect({ output, code }).toEqual({ output: '', code: 1 })
    const named = [...errors.matchAll(/(\w+) still has a development default/gu)]
    expect(named.map(([, variable]) => variable)).toEqual(MUST_BE_SET[name])
    for (const secret of DEVELOPMENT_SECRETS) {
      expect(errors.replaceAll('PASSWORD', '')).not.toContain(secret)
    }
  })

  test('takes no secret that stands in the sources, in whichever setting', () => {
    const schema = SCHEMAS[name]
    const secrets = Object.entries(schema.properties)
      .filter(([, property]: [string, TSchema]) => property['secret'] === true)
      .map(([variable]) => variable)
    const good = { ...productionEnvironment, NODE_ENV: 'production' }
    expect(() => readConfig(schema, good)).not.toThrow()

    for (const variable of secrets) {
      for (const secret of DEVELOPMENT_SECRETS) {
        expect(() => readConfig(schema, { ...good, [variable]: secret })).toThrow(
          `${variable} still has a development default`,
        )
      }
    }
    // Whatever development has by default is among them.
    const defaults = secrets.flatMap((variable) => {
      const value: unknown = schema.properties[variable]?.default
      return typeof value === 'string' ? value.split(',').map((one) => one.split('=').at(-1)) : []
    })
    expect(DEVELOPMENT_SECRETS).toEqual(expect.arrayContaining(defaults))
  })
})

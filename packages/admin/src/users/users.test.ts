import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '@potok/core/config'
import { buildApp } from '../app.ts'
import { Config } from '../config.ts'

async function build(env: Record<string, string> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'potok-admin-'))
  const config = readConfig(Config, { POTOK_DATA_DIR: directory, ...env })
  const app = await buildApp(config, pino({ level: 'silent' }))
  onTestFinished(() => app.close())
  return app
}
const headers = { 'x-api-key': 'gateway-service-key' }

test('the first start makes the person of the environment, who can log in', async () => {
  const app = await build()

  const verified = await app.inject({
    method: 'POST',
    url: '/api/v1/users/verify',
    headers,
    body: { username: 'User', password: 'password' },
  })

  expect(verified.json()).toMatchObject({ username: 'user', roles: ['admin'], active: true })
  expect(verified.statusCode).toBe(200)
  const list = await app.inject({ url: '/api/v1/users?role=admin&q=US', headers })
  expect(list.json()).toMatchObject({ items: [{ username: 'user' }] })
})

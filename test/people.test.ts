import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { call, login } from '../scripts/system/api.ts'
import { startPrivateSystem, type PrivateSystem } from '../scripts/system/private-system.ts'

const KEY = { 'x-api-key': 'admin-service-key' }
const PASSWORD = 'correct horse battery'
/** A second at the admin service's side, and whatever a busy machine adds. */
const PROMPTLY = { timeout: 20_000, interval: 50 }

let system: PrivateSystem
beforeAll(async () => {
  system = await startPrivateSystem({ only: ['admin', 'state', 'gateway'] })
}, 120_000)
afterAll(() => system?.stop())

async function makePerson(username: string, roles: string[]): Promise<string> {
  const { body } = await call<{ id: string }>(`${system.url('admin')}/api/v1/users`, {
    method: 'POST',
    headers: KEY,
    json: { username, displayName: username, password: PASSWORD, roles },
  })
  return `${system.url('admin')}/api/v1/users/${body.id}`
}

const ask = async (authorization: string) => {
  const url = `${system.url('gateway')}/api/v1/auth/profile`
  const { status, body } = await call<{ code?: string; roles?: string[] }>(url, {
    headers: { authorization },
  })
  return { status, ...body }
}

test.each([
  ['other roles', 'PATCH', { roles: ['member'] }],
  ['a new password', 'PATCH', { password: 'battery staple correct' }],
  ['being switched off', 'PATCH', { active: false }],
  ['a removal', 'DELETE', undefined],
])(
  '%s, given at the admin service behind the back of the gateway, ends the sessions there',
  async (_case, method, json) => {
    const name = `p${Math.random().toString(36).slice(2)}`
    const person = await makePerson(name, ['manager'])
    const bystander = await login(system.url('gateway'))
    const session = await login(system.url('gateway'), name, PASSWORD)
    expect(await ask(session.authorization)).toMatchObject({ status: 200, roles: ['manager'] })

    await call(person, { method, headers: KEY, ...(json !== undefined && { json }) })

    await vi.waitFor(
      async () =>
        expect(await ask(session.authorization)).toMatchObject({
          status: 401,
          code: 'AUTH_SESSION_ENDED',
        }),
      PROMPTLY,
    )
    expect(await ask(bystander.authorization)).toMatchObject({ status: 200 })
  },
)

test('whoever logs in after the change stays in, and may what the new roles say', async () => {
  const name = 'promoted'
  const person = await makePerson(name, ['member'])
  const before = await login(system.url('gateway'), name, PASSWORD)
  await call(person, { method: 'PATCH', headers: KEY, json: { roles: ['manager'] } })
  const after = await login(system.url('gateway'), name, PASSWORD)

  // Once the change was seen, what is still good stays good.
  await vi.waitFor(async () => expect((await ask(before.authorization)).status).toBe(401), PROMPTLY)
  expect(await ask(after.authorization)).toMatchObject({ status: 200, roles: ['manager'] })
  const events = await call(`${system.url('gateway')}/api/v1/events`, {
    headers: { authorization: after.authorization },
  })
  expect(events.status).toBe(200)
})

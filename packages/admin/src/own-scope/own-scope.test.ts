import { expect, onTestFinished, test } from 'vitest'
import { buildAdmin } from '../testing/admin-app.ts'

test('an actor who may act for itself only reaches itself and nothing else', async () => {
  const admin = await buildAdmin()
  onTestFinished(() => admin.close())
  const make = async (username: string) => {
    const body = { username, displayName: 'Имя', password: 'correct horse' }
    return (await admin.call('POST', '/api/v1/users', { body })).json<{ id: string }>().id
  }
  const [me, other] = [await make('me'), await make('other')]
  const headers = { 'x-actor': `user:${me}`, 'x-actor-scope': 'own' }
  const call = async (...[method, path, body]: Parameters<typeof admin.call>) =>
    (await admin.call(method, `/api/v1${path}`, { headers, ...body })).statusCode

  expect(await call('GET', `/users/${me}`)).toBe(200)
  expect(await call('PUT', `/users/${me}/settings`, { body: {} })).toBe(200)
  const change = { currentPassword: 'correct horse', newPassword: 'battery staple' }
  expect(await call('POST', `/users/${me}/password`, { body: change })).toBe(204)

  expect(await call('PATCH', `/users/${me}`, { body: { roles: ['admin'] } })).toBe(403)
  expect(await call('DELETE', `/users/${me}`)).toBe(403)
  expect(await call('GET', `/users/${other}`)).toBe(403)
  expect(await call('GET', '/users/@other')).toBe(403)
  expect(await call('GET', `/users/${other}/settings`)).toBe(403)
  expect(await call('GET', '/users')).toBe(403)
  expect(await call('GET', '/db/notes')).toBe(403)
  expect(await call('PUT', '/db/notes/n1', { body: {} })).toBe(403)
  expect(await call('GET', '/nothing')).toBe(404)
})

import { expect, test } from 'vitest'
import { describeAdmin, freshName } from '../testing/admin-app.ts'

describeAdmin('settings', (admin) => {
  async function make(): Promise<string> {
    const body = { username: freshName('s'), displayName: 'Имя' }
    const { id } = (await admin().call('POST', '/api/v1/users', { body })).json<{ id: string }>()
    return `/api/v1/users/${id}/settings`
  }

  test('are the defaults until somebody chooses', async () => {
    const url = await make()

    expect((await admin().call('GET', url)).json()).toEqual({ notifications: true, language: 'ru' })
  })

  test('are replaced as a whole', async () => {
    const url = await make()
    const put = (body: object) => admin().call('PUT', url, { body })
    const quietHours = { from: '22:00', to: '08:00' }

    const first = await put({ notifications: false, quietHours, language: 'en' })
    expect(first.json()).toEqual({ notifications: false, quietHours, language: 'en' })
    expect((await admin().call('GET', url)).json()).toEqual(first.json())

    const second = await put({ language: 'en' })
    expect(second.json()).toEqual({ notifications: true, language: 'en' })
    expect((await admin().call('GET', url)).json()).toEqual(second.json())
  })

  test.each([
    [{ language: 'de' }, 400, 'REQUEST_INVALID'],
    [{ quietHours: { from: '24:00', to: '08:00' } }, 400, 'REQUEST_INVALID'],
    [{ quietHours: { from: '22:00' } }, 400, 'REQUEST_INVALID'],
    [{ quietHours: { from: '22:00', to: '22:00' } }, 422, 'SETTINGS_QUIET_HOURS_EMPTY'],
    [{ colour: 'red' }, 400, 'REQUEST_INVALID'],
  ])('%j are refused', async (body, status, code) => {
    const url = await make()

    expect((await admin().call('PUT', url, { body })).json()).toMatchObject({ status, code })
  })

  test('belong to a person', async () => {
    const url = '/api/v1/users/usr_nobody/settings'

    expect((await admin().call('GET', url)).statusCode).toBe(404)
    expect((await admin().call('PUT', url, { body: {} })).json()).toMatchObject({
      status: 404,
      code: 'USERS_NOT_FOUND',
    })
  })
})

import { expect, onTestFinished, test } from 'vitest'
import type { User, UserCreate } from '@potok/contracts/user'
import { buildAdmin, describeAdmin, freshName } from '../testing/admin-app.ts'
import { createPasswords } from './passwords.ts'
import { createUsers } from './users.ts'

const USERS = '/api/v1/users'

describeAdmin('people', (admin) => {
  const call: ReturnType<typeof admin>['call'] = (...request) => admin().call(...request)

  async function make(more: Partial<UserCreate> = {}): Promise<User> {
    const body = { username: freshName('ivan'), displayName: 'Иван', ...more }
    const response = await call('POST', USERS, { body })
    expect(response.statusCode).toBe(201)
    return response.json<User>()
  }

  test('a new person has an id, a version, defaults, and no trace of the password', async () => {
    const username = freshName('Ivan')

    const response = await call('POST', USERS, {
      body: { username, displayName: 'Иван', password: 'correct horse' },
    })

    const user = response.json<User>()
    expect(response.statusCode).toBe(201)
    expect(response.headers['location']).toBe(`${USERS}/${user.id}`)
    expect(response.headers['etag']).toBe('"1"')
    expect(user).toEqual({
      id: expect.stringMatching(/^usr_[0-9a-f]{32}$/u) as string,
      username: username.toLowerCase(),
      displayName: 'Иван',
      roles: ['member'],
      skills: [],
      capacity: 5,
      timeZone: 'Europe/Moscow',
      active: true,
      version: 1,
      createdAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/u) as string,
      updatedAt: expect.any(String) as string,
    })
    expect(admin().lines.join('')).not.toContain('correct horse')
  })

  test('a person is found by id and by @username, whatever the case', async () => {
    const user = await make()

    expect((await call('GET', `${USERS}/${user.id}`)).json()).toEqual(user)
    expect((await call('GET', `${USERS}/@${user.username.toUpperCase()}`)).json()).toEqual(user)
    expect((await call('GET', `${USERS}/usr_nobody`)).json()).toMatchObject({
      status: 404,
      code: 'USERS_NOT_FOUND',
    })
  })

  test('a reader that has the current version gets 304', async () => {
    const { id } = await make()
    const get = (tag: string) =>
      call('GET', `${USERS}/${id}`, { headers: { 'if-none-match': tag } })

    const known = await get('"1"')

    expect(known.statusCode).toBe(304)
    expect(known.body).toBe('')
    expect(known.headers['etag']).toBe('"1"')
    expect((await get('"0"')).statusCode).toBe(200)
    expect((await get('1')).statusCode).toBe(400)
  })

  test('a username and a MAX account belong to one person', async () => {
    const maxUserId = Number.parseInt(freshName('0').slice(2), 16)
    const { username, id } = await make({ maxUserId })
    const other = await make()
    const post = (body: UserCreate) => call('POST', USERS, { body })

    expect(
      (await post({ username: username.toUpperCase(), displayName: 'Б' })).json(),
    ).toMatchObject({ status: 409, code: 'USERS_USERNAME_TAKEN' })
    expect(
      (await post({ username: freshName('b'), displayName: 'Б', maxUserId })).json(),
    ).toMatchObject({ status: 409, code: 'USERS_MAX_USER_ID_TAKEN' })
    expect(
      (await call('PATCH', `${USERS}/${other.id}`, { body: { maxUserId } })).json(),
    ).toMatchObject({ status: 409, code: 'USERS_MAX_USER_ID_TAKEN' })

    await call('PATCH', `${USERS}/${id}`, { body: { maxUserId: null } })
    const linked = await call('PATCH', `${USERS}/${other.id}`, { body: { maxUserId } })
    expect(linked.json()).toMatchObject({ maxUserId, version: 2 })
    expect((await call('GET', `${USERS}/${id}`)).json()).not.toHaveProperty('maxUserId')
  })

  test('of many who want one name at once, one gets it', async () => {
    const username = freshName('race')

    const responses = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        call('POST', USERS, { body: { username, displayName: `Имя ${n}` } }),
      ),
    )

    const codes = responses.map(({ statusCode }) => statusCode)
    expect(codes.filter((code) => code === 201)).toHaveLength(1)
    expect(codes.filter((code) => code === 409)).toHaveLength(7)
  })

  test.each([
    [{ timeZone: 'Moscow' }, 422, 'USERS_TIME_ZONE_UNKNOWN'],
    [{ username: 'имя' }, 400, 'REQUEST_INVALID'],
    [{ roles: ['root'] }, 400, 'REQUEST_INVALID'],
    [{ maxUserId: 2 ** 53 }, 400, 'REQUEST_INVALID'],
    [{ password: 'short' }, 400, 'REQUEST_INVALID'],
    [{ displayName: 'a\0b' }, 422, 'TEXT_NOT_STORABLE'],
    [{ shoeSize: 43 }, 400, 'REQUEST_INVALID'],
  ])('%j is refused', async (bad, status, code) => {
    const body = { username: freshName('bad'), displayName: 'Имя', ...bad }

    expect((await call('POST', USERS, { body })).json()).toMatchObject({ status, code })
  })

  test('a change makes a version; a change of nothing does not', async () => {
    const user = await make({ skills: ['Дизайн'] })
    const patch = (body: object) => call('PATCH', `${USERS}/${user.id}`, { body })

    const same = await patch({ skills: ['Дизайн'], displayName: 'Иван' })
    const changed = await patch({ skills: ['монтаж'], roles: ['manager', 'member'], active: false })

    expect(same.json()).toEqual(user)
    expect(changed.headers['etag']).toBe('"2"')
    expect(changed.json()).toMatchObject({
      version: 2,
      skills: ['монтаж'],
      roles: ['manager', 'member'],
      active: false,
      displayName: 'Иван',
    })
    expect((await patch({ timeZone: 'Mars/Base' })).statusCode).toBe(422)
  })

  test('a change or removal of what has changed since is refused', async () => {
    const { id } = await make()
    const stale = { headers: { 'if-match': '"1"' } }
    await call('PATCH', `${USERS}/${id}`, { body: { capacity: 9 }, ...stale })

    const patched = await call('PATCH', `${USERS}/${id}`, { body: { capacity: 1 }, ...stale })
    const removed = await call('DELETE', `${USERS}/${id}`, stale)

    expect(patched.json()).toMatchObject({ status: 412, code: 'USERS_PRECONDITION_FAILED' })
    expect(removed.statusCode).toBe(412)
    expect((await call('GET', `${USERS}/${id}`)).json()).toMatchObject({ capacity: 9 })
  })

  test('of concurrent changes none is lost', async () => {
    const { id } = await make()
    const changes = [{ capacity: 9 }, { skills: ['a'] }, { displayName: 'Б' }, { active: false }]

    await Promise.all(changes.map((body) => call('PATCH', `${USERS}/${id}`, { body })))

    expect((await call('GET', `${USERS}/${id}`)).json()).toMatchObject({
      capacity: 9,
      skills: ['a'],
      displayName: 'Б',
      active: false,
      version: 5,
    })
  })

  test('a removed person is gone with password and settings, and the name is free', async () => {
    const { id, username } = await make({ password: 'correct horse' })
    await call('PUT', `${USERS}/${id}/settings`, { body: { language: 'en' } })

    const removed = await call('DELETE', `${USERS}/${id}`)

    expect(removed.statusCode).toBe(204)
    expect(removed.body).toBe('')
    expect((await call('DELETE', `${USERS}/${id}`)).statusCode).toBe(404)
    expect((await call('GET', `${USERS}/${id}/settings`)).statusCode).toBe(404)
    const again = await make({ username })
    expect(again.id).not.toBe(id)
    expect((await call('GET', `${USERS}/${again.id}/settings`)).json()).toMatchObject({
      language: 'ru',
    })
    const verified = await call('POST', `${USERS}/verify`, {
      body: { username, password: 'correct horse' },
    })
    expect(verified.statusCode).toBe(401)
  })

  test('filters find who has all that is asked for', async () => {
    const skill = freshName('Верстка')
    const maxUserId = Number.parseInt(freshName('0').slice(2), 16)
    const a = await make({ skills: [skill], roles: ['manager'], displayName: 'Анна 100%' })
    const b = await make({ skills: [skill, 'x'], maxUserId, displayName: 'Борис' })
    await call('PATCH', `${USERS}/${b.id}`, { body: { active: false } })
    const find = async (query: Record<string, string>) => {
      const search = new URLSearchParams({ skill: skill.toUpperCase(), ...query })
      const { items } = (await call('GET', `${USERS}?${search}`)).json<{ items: User[] }>()
      return items.map(({ id }) => id)
    }

    expect(await find({})).toHaveLength(2)
    expect(await find({ role: 'manager' })).toEqual([a.id])
    expect(await find({ active: 'false' })).toEqual([b.id])
    expect(await find({ username: a.username.toUpperCase() })).toEqual([a.id])
    expect(await find({ maxUserId: String(maxUserId) })).toEqual([b.id])
    expect(await find({ q: 'БОР' })).toEqual([b.id])
    expect(await find({ q: '0%' })).toEqual([a.id])
    expect(await find({ q: '_' })).toEqual([])
    expect(await find({ role: 'manager', active: 'false' })).toEqual([])
    expect((await call('GET', `${USERS}?shoe=43`)).statusCode).toBe(400)
    expect((await call('GET', `${USERS}?q=%00`)).statusCode).toBe(400)
  })

  test('pages follow one another by username without a gap', async () => {
    const skill = freshName('page')
    const people = await Promise.all(Array.from({ length: 7 }, () => make({ skills: [skill] })))
    const seen: string[] = []
    let cursor = ''

    do {
      const page = await call('GET', `${USERS}?skill=${skill}&limit=3${cursor}`)
      const { items, nextCursor } = page.json<{ items: User[]; nextCursor?: string }>()
      seen.push(...items.map(({ username }) => username))
      cursor = nextCursor === undefined ? '' : `&cursor=${nextCursor}`
    } while (cursor !== '')

    expect(seen).toEqual(people.map(({ username }) => username).toSorted())
    expect((await call('GET', `${USERS}?cursor=bm9wZQ`)).json()).toMatchObject({
      status: 400,
      code: 'USERS_CURSOR_INVALID',
    })
  })

  test('every wrong login is one answer after one computation', async () => {
    const known = await make({ password: 'correct horse' })
    const inactive = await make({ password: 'correct horse' })
    await call('PATCH', `${USERS}/${inactive.id}`, { body: { active: false } })
    const wordless = await make()
    const computed = async (): Promise<number> => {
      const { body } = await call('GET', '/metrics')
      return Number(/^password_hashes_total (\d+)$/mu.exec(body)?.[1])
    }
    const verify = async (username: string, password: string) => {
      const before = await computed()
      const response = await call('POST', `${USERS}/verify`, { body: { username, password } })
      const { status, code, detail } = response.json<Record<string, unknown>>()
      return { status, code, detail, computations: (await computed()) - before }
    }
    const refused = {
      status: 401,
      code: 'USERS_CREDENTIALS_WRONG',
      detail: 'Name or password is wrong',
      computations: 1,
    }

    expect(await verify(known.username, 'wrong')).toEqual(refused)
    expect(await verify(inactive.username, 'correct horse')).toEqual(refused)
    expect(await verify(wordless.username, 'correct horse')).toEqual(refused)
    expect(await verify(freshName('nobody'), 'correct horse')).toEqual(refused)
    expect(await verify('не имя', 'correct horse')).toEqual(refused)
    expect(await verify(known.username.toUpperCase(), 'correct horse')).toMatchObject({
      status: undefined,
      computations: 1,
    })
  })

  test('the password changes for who knows the current one', async () => {
    const { id, username } = await make({ password: 'correct horse' })
    const change = (currentPassword: string) =>
      call('POST', `${USERS}/${id}/password`, {
        body: { currentPassword, newPassword: 'battery staple' },
      })
    const verify = async (password: string) =>
      (await call('POST', `${USERS}/verify`, { body: { username, password } })).statusCode

    expect((await change('wrong')).json()).toMatchObject({
      status: 403,
      code: 'USERS_CURRENT_PASSWORD_WRONG',
    })
    expect((await change('correct horse')).statusCode).toBe(204)
    expect(await verify('correct horse')).toBe(401)
    expect(await verify('battery staple')).toBe(200)
    await call('PATCH', `${USERS}/${id}`, { body: { password: 'set by an admin' } })
    expect(await verify('set by an admin')).toBe(200)
    expect((await call('GET', `${USERS}/${id}`)).json()).toMatchObject({ version: 3 })
  })

  test('two processes that start at once make one first person', async () => {
    const passwords = createPasswords({ concurrency: 2, queueLimit: 8 })
    const users = createUsers({ database: admin().app.store, passwords })
    const first = { username: freshName('first'), displayName: 'Первый', password: 'password' }

    const made = await Promise.all([users.createUnlessNamed(first), users.createUnlessNamed(first)])

    expect(made.filter((user) => user !== undefined)).toHaveLength(1)
  })
})

test('the first start makes the person of the environment, and the log does not tell the password', async () => {
  const admin = await buildAdmin({ ADMIN_USERNAME: 'boss', ADMIN_PASSWORD: 'under the mat' })
  onTestFinished(() => admin.close())

  const verified = await admin.call('POST', `${USERS}/verify`, {
    body: { username: 'boss', password: 'under the mat' },
  })

  expect(verified.json()).toMatchObject({ username: 'boss', roles: ['admin'], active: true })
  const log = admin.lines.join('')
  expect(log).toContain('"message":"first person made"')
  expect(log).not.toContain('under the mat')
})

test('a flood of logins is told to come back while the process goes on answering', async () => {
  const admin = await buildAdmin({ PASSWORD_HASH_CONCURRENCY: '1', PASSWORD_HASH_QUEUE: '2' })
  onTestFinished(() => admin.close())
  const login = () =>
    admin.call('POST', `${USERS}/verify`, { body: { username: 'user', password: 'password' } })

  const responses = await Promise.all(Array.from({ length: 10 }, login))

  const refused = responses.filter(({ statusCode }) => statusCode === 503)
  expect(refused).toHaveLength(7)
  expect(refused[0]?.headers['retry-after']).toBe('1')
  expect(refused[0]?.json()).toMatchObject({ code: 'USERS_PASSWORDS_BUSY' })
  expect(responses.filter(({ statusCode }) => statusCode === 200)).toHaveLength(3)
})

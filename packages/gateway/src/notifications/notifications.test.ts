import { expect, test } from 'vitest'
import { describeDatabases } from '@potok/core/testing/databases'
import { startGateway } from '../testing/gateway.ts'
import { openSocket, tokenOf } from '../testing/sockets.ts'
import { startStateService } from '../testing/state-service.ts'
import { notificationMigrations } from './migrations.ts'
import { createNotificationRows, type NewNotification } from './rows.ts'
import type { NotificationTables } from './tables.ts'

type Name = 'member' | 'manager' | 'admin'

async function start() {
  const state = await startStateService()
  const gateway = await startGateway({ STATE_SERVICE_URL: state.url })
  const open = async (name: Name) =>
    openSocket(gateway.url, { token: tokenOf(await gateway.as(name)) })
  const post = async (body: object, as: Name = 'manager') => {
    const answer = await fetch(`${gateway.url}/api/v1/notifications`, {
      method: 'POST',
      headers: { ...(await gateway.as(as)), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  return { ...gateway, open, post }
}

const hello = { level: 'info', title: 'Обслуживание', text: 'Сегодня в 22:00' }

test('a notification reaches every socket of the person, and nobody else', async () => {
  const { open, post } = await start()
  const mine = [await open('member'), await open('member')]
  const other = await open('admin')
  await Promise.all([...mine, other].map((client) => client.connected()))

  const { status, body } = await post({ to: { user: 'member' }, ...hello, link: '/tasks/t1' })

  const told = {
    id: expect.stringMatching(/^ntf_[0-9a-f]{32}$/u) as string,
    ...hello,
    link: '/tasks/t1',
    timestamp: expect.stringMatching(/Z$/u) as string,
  }
  expect(status).toBe(201)
  expect(body).toEqual({ ...told, to: { user: 'member' } })
  for (const { notifications } of mine) await expect.poll(() => notifications).toEqual([told])
  expect(other.notifications).toEqual([])
})

test('a role and all mean whoever has it, and everybody', async () => {
  const { open, post } = await start()
  const [member, manager] = [await open('member'), await open('manager')]
  await Promise.all([member.connected(), manager.connected()])

  await post({ to: { role: 'manager' }, ...hello, title: 'a' })
  await post({ to: { all: true }, ...hello, title: 'b' })

  await expect.poll(() => manager.notifications.map(({ title }) => title)).toEqual(['a', 'b'])
  await expect.poll(() => member.notifications.map(({ title }) => title)).toEqual(['b'])
})

test('what was not seen is told at every connection, in order, what was seen is not', async () => {
  const { open, post } = await start()
  await post({ to: { all: true }, ...hello, title: 'a' })
  await post({ to: { user: 'member' }, ...hello, title: 'b' })
  const first = await open('member')
  const titles = (client: typeof first) => client.notifications.map(({ title }) => title)
  await expect.poll(() => titles(first)).toEqual(['a', 'b'])

  const id = first.notifications[0]?.id ?? ''
  expect(await first.socket.emitWithAck('notification:seen', { id })).toEqual({ ok: true })
  expect(await first.socket.emitWithAck('notification:seen', { id })).toEqual({ ok: true })
  const again = await open('member')
  const other = await open('manager')

  await expect.poll(() => titles(again)).toEqual(['b'])
  await expect.poll(() => titles(other)).toEqual(['a'])
})

test('nobody marks what is not theirs', async () => {
  const { open, post } = await start()
  const { body } = await post({ to: { user: 'admin' }, ...hello })
  const client = await open('member')
  const see = (id: string) => client.socket.emitWithAck('notification:seen', { id })

  expect(await see(String(body['id']))).toMatchObject({
    ok: false,
    error: { code: 'WS_NOTIFICATION_UNKNOWN' },
  })
  expect(await see('ntf_nothing')).toMatchObject({ error: { code: 'WS_NOTIFICATION_UNKNOWN' } })
  expect(await see('no id')).toMatchObject({ error: { code: 'WS_PAYLOAD_INVALID' } })
})

test('who connects while something is told gets it once', async () => {
  const { open, post } = await start()
  const posts = Array.from({ length: 20 }, (_, n) =>
    post({ to: { all: true }, ...hello, title: String(n) }),
  )
  const clients = await Promise.all(Array.from({ length: 10 }, () => open('member')))
  await Promise.all(posts)

  for (const { notifications } of clients) {
    await expect.poll(() => new Set(notifications.map(({ id }) => id)).size).toBe(20)
    expect(notifications).toHaveLength(20)
  }
})

test.each([
  ['no recipient', { to: {}, ...hello }, 400],
  ['two recipients', { to: { user: 'member', all: true }, ...hello }, 400],
  ['an unknown role', { to: { role: 'king' }, ...hello }, 400],
  ['a level that there is not', { to: { all: true }, ...hello, level: 'fatal' }, 400],
  ['a link that runs something', { to: { all: true }, ...hello, link: 'javascript:alert(1)' }, 400],
  ['an unknown field', { to: { all: true }, ...hello, html: 'x' }, 400],
  ['a person that there is not', { to: { user: 'nobody' }, ...hello }, 422],
  ['a NUL', { to: { all: true }, ...hello, text: 'a\0b' }, 422],
])('a notification with %s is refused', async (_case, body, expected) => {
  const { post } = await start()

  expect((await post(body)).status).toBe(expected)
})

test('members tell nobody anything', async () => {
  const { post } = await start()

  expect(await post({ to: { all: true }, ...hello }, 'member')).toMatchObject({
    status: 403,
    body: { code: 'ACCESS_DENIED' },
  })
})

test('while the admin service is away a person is told all the same', async () => {
  const { url, admin, as } = await start()
  const headers = { ...(await as('manager')), 'content-type': 'application/json' }
  await admin.close()

  const { status } = await fetch(`${url}/api/v1/notifications`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ to: { user: 'somebody' }, ...hello }),
  })

  expect(status).toBe(201)
})

describeDatabases('notifications', (store) => {
  const content = { level: 'info' as const, text: 'b' }
  const reader = { id: 'u1', roles: ['member' as const] }
  const open = async () => {
    const database = await store.open<NotificationTables>(notificationMigrations)
    const rows = createNotificationRows(database)
    const put = (...given: NewNotification[]) => database.write((trx) => rows.put(trx, given))
    return { database, rows, put }
  }
  const titles = (found: readonly { title: string }[]) => found.map(({ title }) => title)

  test('one that is put twice under one key is there once', async () => {
    const { rows, put } = await open()
    const one = { key: 'evt_1:u:1', to: { user: 'u1' }, ...content }

    expect(await put({ ...one, title: 'first' })).toMatchObject([
      { id: expect.stringMatching(/^ntf_[0-9a-f]{32}$/u) as string },
    ])
    expect(await put({ ...one, title: 'second' })).toEqual([])

    expect(titles(await rows.unseen(reader, 10))).toEqual(['first'])
  })

  test('the newest unseen come, oldest first, of every audience of the person', async () => {
    const { database, rows, put } = await open()
    const recipients = [
      { all: true as const },
      { user: 'u2' },
      { role: 'member' as const },
      { user: 'u1' },
    ]
    const ids: string[] = []
    for (const [n, to] of recipients.entries()) {
      database.setClockOffset(n * 1000)
      for (const { id } of await put({ to, ...content, title: String(n) })) ids.push(id)
    }
    const unseen = async (limit: number) => titles(await rows.unseen(reader, limit))

    expect(await unseen(10)).toEqual(['0', '2', '3'])
    expect(await unseen(2)).toEqual(['2', '3'])
    expect(await rows.seen(reader, ids[2] ?? '')).toBe(true)
    expect(await rows.seen(reader, ids[1] ?? '')).toBe(false)
    expect(await unseen(10)).toEqual(['0', '3'])
  })

  test('what is past its retention goes, seen or not', async () => {
    const { database, rows, put } = await open()
    const [old] = await put({ to: { all: true }, ...content, title: 'old' })
    await rows.seen(reader, old?.id ?? '')
    database.setClockOffset(60_000)
    await put({ to: { all: true }, ...content, title: 'new' })

    expect(await rows.purge(30_000)).toBe(1)

    expect(titles((await rows.since(0)).rows)).toEqual(['new'])
    expect(await database.kysely.selectFrom('notifications_seen').selectAll().execute()).toEqual([])
  })

  test('what was stored from a time on comes page by page, with equal times too', async () => {
    const { rows, put } = await open()
    const wanted = Array.from({ length: 1203 }, (_, n) => String(n))
    await put(...wanted.map((title) => ({ to: { all: true as const }, ...content, title })))

    const { rows: found } = await rows.since(0)

    expect(titles(found).toSorted()).toEqual(wanted.toSorted())
  })
})

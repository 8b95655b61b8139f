import { expect, test } from 'vitest'
import { startGateway } from '../testing/gateway.ts'
import { openSocket, tokenOf, tokenWith } from '../testing/sockets.ts'
import { startStateService, type StateService } from '../testing/state-service.ts'

async function start(env: Record<string, string> = {}) {
  const state = await startStateService()
  const gateway = await startGateway({ STATE_SERVICE_URL: state.url, ...env })
  await expect.poll(() => state.streams.open.size).toBe(1)
  const open = async (name: 'member' | 'manager' | 'admin' = 'member') =>
    openSocket(gateway.url, { token: tokenOf(await gateway.as(name)) })
  return { state, ...gateway, open }
}

const many = (state: StateService, count: number, id = 't1') =>
  Array.from({ length: count }, () => state.change('task', id, 'pending').cursor)

test('changes come in log order, under the names of the contract, to those who follow them', async () => {
  const { state, open } = await start()
  const all = await open()
  const one = await open()
  const people = await open()
  await all.subscribe('tasks')
  await one.subscribe('task:t2')
  await people.subscribe('users')
  await people.subscribe('processes')

  state.change('task', 't1', 'created', { title: 'Отчёт' })
  state.change('task', 't2', 'created')
  state.change('user', 'u1', 'online')
  state.change('process', 'p1', 'running')
  state.change('order', 'o1', 'created')
  state.change('task', 't2', 'pending')
  state.change('task', 't1', null)

  await expect
    .poll(() => all.changes.map(({ event, change }) => `${event} ${change.id}`))
    .toEqual(['task:created t1', 'task:created t2', 'task:updated t2', 'task:deleted t1'])
  expect(all.changes[0]?.change).toEqual({
    cursor: 'e1.1',
    eventId: expect.stringMatching(/^evt_/u) as string,
    entity: 'task',
    id: 't1',
    previousStatus: null,
    newStatus: 'created',
    metadata: { title: 'Отчёт' },
    version: 1,
    actor: 'user:u1',
    timestamp: '2026-01-01T00:00:00.000Z',
  })
  await expect.poll(() => one.cursors()).toEqual(['e1.2', 'e1.6'])
  await expect
    .poll(() => people.changes.map(({ event }) => event))
    .toEqual(['user:updated', 'process:updated'])
})

test('who follows a task in two channels is told of it once, and of nothing after leaving', async () => {
  const { state, open } = await start()
  const client = await open()
  await client.subscribe('tasks')
  await client.subscribe('task:t1')
  state.change('task', 't1', 'created')
  await client.socket.emitWithAck('unsubscribe', { channel: 'tasks' })
  state.change('task', 't2', 'created')
  state.change('task', 't1', 'pending')
  await expect.poll(() => client.cursors()).toEqual(['e1.1', 'e1.3'])

  await client.socket.emitWithAck('unsubscribe', { channel: 'task:t1' })
  state.change('task', 't1', 'in_progress')
  await client.subscribe('users')
  state.change('user', 'u1', 'online')

  await expect.poll(() => client.cursors()).toEqual(['e1.1', 'e1.3', 'e1.5'])
})

const CHANNELS = ['tasks', 'task:t1', 'users', 'processes', 'room:r1'] as const

test('every role follows what the roles table lets it read, and nobody else anything', async () => {
  const { url, as, open } = await start()
  const nobody = tokenWith(tokenOf(await as('member')), [])
  const visitors = {
    member: await open('member'),
    manager: await open('manager'),
    admin: await open('admin'),
    'logged in, without a role': openSocket(url, { token: nobody }),
    guest: openSocket(url),
  }

  const matrix: Record<string, string[]> = {}
  for (const [name, visitor] of Object.entries(visitors)) {
    const answers = await Promise.all(CHANNELS.map((channel) => visitor.subscribe(channel)))
    matrix[name] = answers.map((answer) => (answer.ok ? 'yes' : answer.error.code))
  }

  const yes = CHANNELS.map(() => 'yes')
  const no = 'WS_CHANNEL_FORBIDDEN'
  expect(matrix).toEqual({
    member: yes,
    manager: yes,
    admin: yes,
    'logged in, without a role': [no, no, no, no, 'yes'],
    guest: CHANNELS.map(() => 'WS_AUTHENTICATION_REQUIRED'),
  })
})

test('who renews with fewer roles loses the channels of the others, also one that is being resumed', async () => {
  const { state } = await start()
  const [first = ''] = many(state, 3)
  state.reading.shut()
  const late = await startGateway({ STATE_SERVICE_URL: state.url })
  await expect.poll(() => late.app.stateEvents.cursor()).toBe('e1.3')
  const token = tokenOf(await late.as('member'))
  const client = openSocket(late.url, { token })
  await client.subscribe('users')
  await client.subscribe('room:r1')
  const resuming = client.subscribe('tasks', first)
  const queued = client.subscribe('processes')
  await expect.poll(() => state.reading.waiting()).toBe(1)

  const fewer = tokenWith(token, [])
  expect(await client.socket.emitWithAck('authenticate', { token: fewer })).toMatchObject({
    ok: true,
  })
  state.reading.open()
  await Promise.all([resuming, queued])
  state.change('user', 'u1', 'online')
  state.change('process', 'p1', 'running')
  many(state, 1)
  await client.socket.emitWithAck('message', { text: 'still here', roomId: 'r1' })

  await expect.poll(() => client.messages).toHaveLength(1)
  expect(client.changes).toEqual([])
  expect(client.errors.map(({ message }) => message)).toEqual([
    'Your roles do not allow users',
    'Your roles do not allow tasks',
    'Your roles do not allow processes',
  ])
})

test.each(['orders', 'order:o1', 'task:', 'task:a/b', 'room:', 'TASKS', ''])(
  'there is no channel "%s"',
  async (channel) => {
    const { open } = await start()
    const client = await open('admin')

    expect(await client.subscribe(channel)).toMatchObject({
      ok: false,
      error: { code: 'WS_PAYLOAD_INVALID' },
    })
  },
)

test('the acknowledgement says where the log stands', async () => {
  const { state, open } = await start()
  const client = await open()
  const empty = await client.subscribe('tasks')
  many(state, 3)
  await expect.poll(() => client.changes.length).toBe(3)

  const again = await client.subscribe('users')

  expect(empty).toEqual({ ok: true, cursor: 'e0.0', recovered: false })
  expect(again).toEqual({ ok: true, cursor: 'e1.3', recovered: false })
})

test('what was missed is told first, then what happens, and nothing twice', async () => {
  const { state, open } = await start()
  const [first = ''] = many(state, 4)
  state.change('user', 'u1', 'online')
  const client = await open()

  const answer = await client.subscribe('tasks', first)
  many(state, 2)

  expect(answer).toEqual({ ok: true, cursor: 'e1.5', recovered: true })
  await expect.poll(() => client.cursors()).toEqual(['e1.2', 'e1.3', 'e1.4', 'e1.6', 'e1.7'])
})

test('a change that comes while the log is read is told after it, once', async () => {
  const { state } = await start()
  const [first = ''] = many(state, 3)
  state.reading.shut()
  const late = await startGateway({ STATE_SERVICE_URL: state.url })
  await expect.poll(() => late.app.stateEvents.cursor()).toBe('e1.3')
  const client = openSocket(late.url, { token: tokenOf(await late.as('member')) })
  const answer = client.subscribe('tasks', first)
  await expect.poll(() => state.reading.waiting()).toBe(1)

  many(state, 2)
  await expect.poll(() => late.app.stateEvents.cursor()).toBe('e1.5')
  state.reading.open()

  expect(await answer).toEqual({ ok: true, cursor: 'e1.5', recovered: true })
  many(state, 1)
  await expect.poll(() => client.cursors()).toEqual(['e1.2', 'e1.3', 'e1.4', 'e1.5', 'e1.6'])
})

test('a log that is ahead of this replica is told, and not told again when the replica comes to it', async () => {
  const { state, open } = await start()
  const [first = ''] = many(state, 2)
  state.streams.stop()
  many(state, 3)
  // Its own stream ends at 2; it must not take that for the end of the log.
  const client = await open()
  await client.subscribe('users')
  const answer = await client.subscribe('tasks', first)

  expect(answer).toMatchObject({ recovered: true })
  state.streams.resume()
  many(state, 1)
  await expect.poll(() => client.cursors().at(-1)).toBe('e1.6')
  expect(client.cursors()).toEqual(['e1.2', 'e1.3', 'e1.4', 'e1.5', 'e1.6'])
})

test('a client that comes from a replica that is ahead waits for this one', async () => {
  const { state, open } = await start()
  many(state, 2)
  state.streams.stop()
  const ahead = many(state, 3).at(-2)
  const client = await open()

  const answer = await client.subscribe('tasks', ahead)
  state.streams.resume()
  many(state, 1)

  expect(answer).toMatchObject({ ok: true, recovered: true })
  await expect.poll(() => client.cursors()).toEqual(['e1.5', 'e1.6'])
})

test('pages of the log that are shorter than asked for leave no gap', async () => {
  const { state } = await start()
  const [first = ''] = many(state, 10)
  state.limitPages(3)
  const late = await startGateway({ STATE_SERVICE_URL: state.url })
  const client = openSocket(late.url, { token: tokenOf(await late.as('member')) })

  const answer = await client.subscribe('tasks', first)

  expect(answer).toEqual({ ok: true, cursor: 'e1.10', recovered: true })
  expect(client.cursors()).toHaveLength(9)
})

test('a cursor stays good over a restart of the state service, and of the gateway', async () => {
  const { state, open, app } = await start()
  const before = await open()
  await before.subscribe('tasks')
  many(state, 2)
  await expect.poll(() => before.cursors()).toHaveLength(2)
  state.goAway()
  await app.close()
  state.comeBack()
  many(state, 2)

  const gateway = await startGateway({ STATE_SERVICE_URL: state.url })
  const client = openSocket(gateway.url, { token: tokenOf(await gateway.as('member')) })
  const answer = await client.subscribe('tasks', before.cursors()[0])

  expect(answer).toEqual({ ok: true, cursor: 'e2.4', recovered: true })
  expect(client.cursors()).toEqual(['e1.2', 'e2.3', 'e2.4'])
})

test('while the state service is away nothing is lost, and who comes back then waits for it', async () => {
  const { state, open } = await start()
  const steady = await open()
  await steady.subscribe('tasks')
  const [first = ''] = many(state, 2)
  await expect.poll(() => steady.cursors()).toHaveLength(2)
  state.goAway()
  state.log.append('task', 't1', 'in_progress')
  const client = await open()
  await client.connected()
  const answer = client.subscribe('tasks', 'e0.0')
  await client.subscribe('users')

  state.comeBack()
  many(state, 1)

  expect(await answer).toMatchObject({ ok: true, recovered: true })
  await expect.poll(() => steady.cursors()).toEqual([first, 'e1.2', 'e1.3', 'e2.4'])
  await expect.poll(() => client.cursors()).toEqual([first, 'e1.2', 'e1.3', 'e2.4'])
})

test.each([
  ['of another log', 'zzz.1'],
  ['ahead of the log', 'e1.99'],
])('a cursor %s means: reload', async (_case, since) => {
  const { state, open } = await start()
  many(state, 3)
  const client = await open()

  const answer = await client.subscribe('tasks', since)
  many(state, 1)

  expect(answer).toEqual({ ok: true, cursor: 'e1.3', recovered: false })
  await expect.poll(() => client.cursors()).toEqual(['e1.4'])
})

test('a cursor past retention means: reload', async () => {
  const { state } = await start()
  const [first = ''] = many(state, 5)
  state.log.purge(3)
  const late = await startGateway({ STATE_SERVICE_URL: state.url })
  const client = openSocket(late.url, { token: tokenOf(await late.as('member')) })

  expect(await client.subscribe('tasks', first)).toMatchObject({ recovered: false })
  expect(client.changes).toEqual([])
})

test('a thousand missed events are told, more mean: reload, never a part', async () => {
  const { state } = await start()
  const cursors = many(state, 1002)
  const late = await startGateway({ STATE_SERVICE_URL: state.url })
  const token = tokenOf(await late.as('member'))
  const tooLate = openSocket(late.url, { token })
  const inTime = openSocket(late.url, { token })

  const refused = await tooLate.subscribe('tasks', cursors[0])
  const recovered = await inTime.subscribe('tasks', cursors[1])

  expect(refused).toEqual({ ok: true, cursor: 'e1.1002', recovered: false })
  expect(tooLate.changes).toEqual([])
  expect(recovered).toEqual({ ok: true, cursor: 'e1.1002', recovered: true })
  expect(inTime.cursors()).toEqual(cursors.slice(2))
})

test('a backup that comes back cuts everybody, and they are told to reload', async () => {
  const { state, open } = await start()
  const client = await open()
  await client.subscribe('tasks')
  many(state, 4)
  await expect.poll(() => client.cursors()).toHaveLength(4)
  const last = client.cursors().at(-1)

  state.restore(2)
  many(state, 5)
  await expect.poll(() => client.errors).toMatchObject([{ code: 'WS_LOG_RESET', reconnect: 'now' }])
  await expect.poll(() => client.socket.connected).toBe(true)
  const answer = await client.subscribe('tasks', last)

  // The same positions were given again: nothing of the new log may pass for its continuation.
  expect(client.cursors()).toHaveLength(4)
  expect(answer).toMatchObject({ ok: true, recovered: false })
})

test('those who come back together are served from memory', async () => {
  const { state, open } = await start()
  const [first = ''] = many(state, 20)
  const clients = await Promise.all(Array.from({ length: 10 }, () => open()))

  const answers = await Promise.all(clients.map((client) => client.subscribe('tasks', first)))

  expect(answers.map((answer) => answer.ok && answer.recovered)).toEqual(clients.map(() => true))
  for (const client of clients) expect(client.cursors()).toHaveLength(19)
  expect(state.pages).toEqual([])
})

test('after a restart one reading of the log serves all who come back', async () => {
  const { state } = await start()
  const cursors = many(state, 20)
  const late = await startGateway({ STATE_SERVICE_URL: state.url })
  const token = tokenOf(await late.as('member'))
  const clients = cursors.slice(0, 10).map(() => openSocket(late.url, { token }))
  const oldest = openSocket(late.url, { token })
  await oldest.subscribe('tasks', cursors[0])

  await Promise.all(clients.map((client, n) => client.subscribe('tasks', cursors[n])))

  for (const [n, client] of clients.entries()) {
    expect(client.cursors()).toEqual(cursors.slice(n + 1))
  }
  expect(state.pages.length).toBeLessThanOrEqual(2)
})

test('a subscription that is made again with a cursor is told again from there', async () => {
  const { state, open } = await start()
  const client = await open()
  await client.subscribe('tasks')
  const cursors = many(state, 3)
  await expect.poll(() => client.cursors()).toEqual(cursors)

  await client.subscribe('tasks', cursors[0])
  await client.subscribe('tasks')
  many(state, 1)

  await expect.poll(() => client.cursors()).toEqual([...cursors, 'e1.2', 'e1.3', 'e1.4'])
})

test('before the first contact with the log a subscription waits for it, then says that it is away', async () => {
  const state = await startStateService()
  state.goAway()
  const gateway = await startGateway({ STATE_SERVICE_URL: state.url })
  const client = openSocket(gateway.url, { token: tokenOf(await gateway.as('member')) })

  const refused = await client.subscribe('tasks')
  const patient = client.subscribe('tasks')
  state.comeBack()

  expect(refused).toMatchObject({ ok: false, error: { code: 'WS_STATE_UNAVAILABLE' } })
  expect(await patient).toMatchObject({ ok: true, recovered: false })
})

test('a payload is checked, with an acknowledgement or without', async () => {
  const { open } = await start()
  const client = await open()
  // What a client sends that knows no types.
  const send = (event: string, ...values: unknown[]) =>
    client.socket.emitWithAck(event as 'subscribe', ...(values as [{ channel: string }]))
  const bare = (event: string, ...values: unknown[]) =>
    client.socket.emit(event as 'subscribe', ...(values as [{ channel: string }]))

  expect(await send('subscribe', { channel: 'tasks', since: 'no cursor' })).toMatchObject({
    ok: false,
    error: { code: 'WS_PAYLOAD_INVALID', message: expect.stringContaining('/since') as string },
  })
  expect(await send('subscribe', {})).toMatchObject({ error: { code: 'WS_PAYLOAD_INVALID' } })
  expect(await send('subscribe')).toMatchObject({ error: { code: 'WS_PAYLOAD_INVALID' } })
  expect(await send('follow', {})).toMatchObject({ error: { code: 'WS_EVENT_UNKNOWN' } })
  bare('subscribe', 'tasks')
  bare('unsubscribe', null)
  bare('message', { roomId: 'r1' })

  await expect
    .poll(() => client.errors.map(({ code }) => code))
    .toEqual(['WS_PAYLOAD_INVALID', 'WS_PAYLOAD_INVALID', 'WS_PAYLOAD_INVALID'])
  expect(client.errors[0]).not.toHaveProperty('reconnect')
})

test('an event of the log that this release does not understand stops nothing', async () => {
  const { state, open, lines } = await start()
  const client = await open()
  await client.subscribe('tasks')
  const strange = state.log.append('task', 't9', 'created')
  Object.assign(strange, { event: 'entity.moved' })

  many(state, 1)

  await expect.poll(() => client.cursors()).toEqual(['e1.2'])
  expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
    { message: 'an event of the log is not understood and left out' },
  ])
})

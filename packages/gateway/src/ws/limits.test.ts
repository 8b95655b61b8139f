import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { SOCKET_PATH } from '@potok/contracts/socket-events'
import { startGateway } from '../testing/gateway.ts'
import { openSocket, tokenOf, type ClientSocket } from '../testing/sockets.ts'
import { startStateService } from '../testing/state-service.ts'

async function start(env: Record<string, string> = {}) {
  const state = await startStateService()
  const gateway = await startGateway({ STATE_SERVICE_URL: state.url, ...env })
  const token = tokenOf(await gateway.as('member'))
  const open = () => openSocket(gateway.url, { token })
  const metrics = async () => (await fetch(`${gateway.url}/api/v1/metrics`)).text()
  return { state, ...gateway, token, open, metrics }
}

/** The socket below the stock client, to do with it what clients should not. */
function below(socket: ClientSocket): { pause: () => void; resume: () => void } {
  const { transport } = socket.io.engine
  return Reflect.get(Reflect.get(transport, 'ws') as object, '_socket') as ReturnType<typeof below>
}

test('a client that floods is refused, and closed when it goes on; others notice nothing', async () => {
  const { open, state, metrics } = await start()
  const other = open()
  await other.subscribe('tasks')
  const client = open()
  await client.connected()

  for (let n = 0; n < 400; n += 1) client.socket.emit('unsubscribe', { channel: 'tasks' })
  await expect.poll(() => client.disconnects).toEqual(['io server disconnect'])

  const codes = client.errors.map(({ code }) => code)
  expect(new Set(codes)).toEqual(new Set(['WS_TOO_MANY_EVENTS']))
  expect(client.errors.at(-1)).toMatchObject({ reconnect: 'later' })
  expect(await metrics()).toMatch(/^websocket_closed_total\{code="WS_TOO_MANY_EVENTS"\} 1$/mu)
  state.change('task', 't1', 'created')
  await expect.poll(() => other.cursors()).toEqual(['e1.1'])
  expect(other.socket.connected).toBe(true)
})

test('a client that floods with what is no event at all is closed too', async () => {
  const { open } = await start()
  const client = open()
  await client.connected()

  for (let n = 0; n < 400; n += 1) client.socket.emit('nonsense' as 'unsubscribe', { channel: 'x' })

  await expect.poll(() => client.disconnects).toEqual(['io server disconnect'])
  expect(client.errors.at(-1)).toMatchObject({ code: 'WS_EVENT_UNKNOWN', reconnect: 'later' })
})

test('a client that floods below the events is cut', async () => {
  const { open, metrics } = await start()
  const client = open()
  await client.connected()
  const { engine } = client.socket.io

  // Acknowledgements of what nobody asked.
  for (let n = 0; n < 5000; n += 1) engine.write('3999[]')

  await expect.poll(() => client.disconnects).toHaveLength(1)
  expect(await metrics()).toMatch(/^websocket_closed_total\{code="WS_TOO_MANY_EVENTS"\} 1$/mu)
})

test('a hundred channels, no more; a client that does not stop asking is closed', async () => {
  const { open, metrics } = await start()
  const client = open()
  const answers = await Promise.all(
    Array.from({ length: 101 }, (_, n) => client.subscribe(`task:t${n}`)),
  )
  expect(answers.filter(({ ok }) => ok)).toHaveLength(100)
  expect(answers[100]).toMatchObject({ ok: false, error: { code: 'WS_TOO_MANY_CHANNELS' } })
  expect(await client.subscribe('task:t7')).toMatchObject({ ok: true })
  await client.socket.emitWithAck('unsubscribe', { channel: 'task:t7' })
  expect(await client.subscribe('room:r1')).toMatchObject({ ok: true })

  for (let n = 0; n < 60; n += 1) client.socket.emit('subscribe', { channel: `task:x${n}` })

  await expect.poll(() => client.disconnects).toEqual(['io server disconnect'])
  expect(client.errors.at(-1)).toMatchObject({ code: 'WS_TOO_MANY_CHANNELS', reconnect: 'later' })
  expect(await metrics()).toMatch(/^websocket_closed_total\{code="WS_TOO_MANY_CHANNELS"\} 1$/mu)
})

test('a client that asks for ten thousand channels at once is closed as the flood that it is', async () => {
  const { open } = await start()
  const client = open()
  await client.connected()

  for (let n = 0; n < 10_000; n += 1) client.socket.emit('subscribe', { channel: `task:x${n}` })

  await expect.poll(() => client.disconnects).toHaveLength(1)
  expect(client.errors[0]).toMatchObject({ code: 'WS_TOO_MANY_EVENTS' })
})

test('a packet of ten megabytes closes the connection with 1009', async () => {
  const { open, metrics } = await start()
  const client = open()
  await client.connected()
  const codes: unknown[] = []
  Reflect.get(client.socket.io.engine.transport, 'ws').addEventListener(
    'close',
    ({ code }: { code: number }) => codes.push(code),
  )

  client.socket.emit('message', { roomId: 'r1', text: 'x'.repeat(10_000_000) })

  await expect.poll(() => client.disconnects).toHaveLength(1)
  expect(codes).toEqual([1009])
  expect(await metrics()).toMatch(/^websocket_closed_total\{code="WS_PAYLOAD_TOO_LARGE"\} 1$/mu)
})

test('a client that stops reading is cut, comes back when it reads again, and has lost nothing', async () => {
  const { open, state, metrics } = await start({ WS_QUEUE_LIMIT: '200000' })
  const reader = open()
  const client = open()
  await Promise.all([reader.subscribe('tasks'), client.subscribe('tasks')])
  state.change('task', 't1', 'created')
  await expect.poll(() => client.cursors()).toEqual(['e1.1'])
  const raw = below(client.socket)
  raw.pause()

  const closed = /^websocket_closed_total\{code="WS_TOO_SLOW"\} 1$/mu
  const metadata = { text: 'x'.repeat(10_000) }
  const step = async () => {
    for (let n = 0; n < 20; n += 1) state.change('task', 't1', 'pending', metadata)
    return metrics()
  }
  await expect.poll(step, { timeout: 10_000 }).toMatch(closed)
  const told = state.log.items().length
  await expect.poll(() => reader.cursors().length).toBe(told)

  client.socket.io.on('reconnect', () => {
    const since = client.cursors().at(-1)
    client.socket.emit('subscribe', { channel: 'tasks', ...(since !== undefined && { since }) })
  })
  raw.resume()
  await expect.poll(() => client.cursors().length, { timeout: 10_000 }).toBe(told)
  expect(client.cursors()).toEqual(reader.cursors())
})

test('what was missed is told no faster than the client reads', async () => {
  const { open, state, metrics } = await start({ WS_QUEUE_LIMIT: '200000' })
  const metadata = { text: 'x'.repeat(10_000) }
  for (let n = 0; n < 900; n += 1) state.change('task', 't1', 'pending', metadata)
  const client = open()

  const answer = await client.subscribe('tasks', 'e0.0')

  expect(answer).toMatchObject({ ok: true, recovered: true })
  expect(client.cursors()).toHaveLength(900)
  expect(await metrics()).not.toContain('WS_TOO_SLOW')
})

test('a burst that is more than may wait does not cut a client that reads', async () => {
  const { open, state, metrics } = await start({ WS_QUEUE_LIMIT: '200000' })
  const client = open()
  await client.subscribe('tasks')

  // All in one turn of the feed: nothing can be sent before the last one is queued.
  state.streams.stop()
  const metadata = { text: 'x'.repeat(10_000) }
  for (let n = 0; n < 60; n += 1) state.change('task', 't1', 'pending', metadata)
  state.streams.resume()

  await expect.poll(() => client.cursors()).toHaveLength(60)
  expect(client.disconnects).toEqual([])
  expect(await metrics()).not.toContain('WS_TOO_SLOW')
})

test('one person has so many sockets, one address so many connections', async () => {
  const { url, as, open, metrics } = await start({
    WS_CONNECTIONS_PER_USER: '2',
    WS_CONNECTIONS_PER_IP: '3',
  })
  const mine = [open(), open()]
  await Promise.all(mine.map((client) => client.connected()))
  const third = open()
  await expect.poll(() => third.refusals).toEqual(['WS_TOO_MANY_CONNECTIONS'])
  third.socket.close()
  const inBand = openSocket(url)
  await inBand.connected()
  const token = tokenOf(await as('member'))
  expect(await inBand.socket.emitWithAck('authenticate', { token })).toMatchObject({
    error: { code: 'WS_TOO_MANY_CONNECTIONS' },
  })

  const fourth = openSocket(url, { token: tokenOf(await as('admin')) })
  await expect.poll(() => fourth.refusals).toEqual(['WS_TOO_MANY_CONNECTIONS'])
  expect(await metrics()).toMatch(/^websocket_refused_total\{code="WS_TOO_MANY_CONNECTIONS"\} 3$/mu)
  for (const client of mine) client.socket.close()
  await expect.poll(async () => await metrics()).toMatch(/^websocket_connections_active 1$/mu)

  const later = openSocket(url, { token: tokenOf(await as('admin')) })
  await later.connected()
  expect(later.socket.connected).toBe(true)
})

test('an address that goes on connecting is not answered any more', async () => {
  const { url, metrics } = await start({ WS_CONNECTIONS_PER_IP: '2' })
  const { hostname, port } = new URL(url)
  const upgrade = [
    `GET ${SOCKET_PATH}/?EIO=4&transport=websocket HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n')
  const heads: string[] = []
  for (let n = 0; n < 6; n += 1) {
    const socket = connect(Number(port), hostname, () => socket.write(upgrade))
    onTestFinished(() => void socket.destroy())
    const first = await new Promise<string>((resolve) => {
      socket.once('data', (bytes) => resolve(bytes.toString().split('\r\n')[0] ?? ''))
    })
    heads.push(first)
  }

  expect(heads.map((head) => head.split(' ')[1])).toEqual([
    '101',
    '101',
    '101',
    '101',
    '400',
    '400',
  ])
  expect(await metrics()).toMatch(/^websocket_rejected_total\{reason="address"\} 2$/mu)
})

test('clients behind a trusted proxy are told apart, a forged address is not believed', async () => {
  const { url, token } = await start({
    WS_CONNECTIONS_PER_IP: '1',
    TRUSTED_PROXIES: '127.0.0.1',
  })
  const from = async (address: string) => {
    const client = openSocket(url, { token, forwardedFor: address })
    await expect.poll(() => client.socket.connected || client.refusals.length > 0).toBe(true)
    return client.socket.connected
  }

  expect(await from('203.0.113.1')).toBe(true)
  expect(await from('203.0.113.2')).toBe(true)
  expect(await from('198.51.100.7, 203.0.113.2')).toBe(false)
})

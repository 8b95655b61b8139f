import { connect } from 'node:net'
import { io, type Socket } from 'socket.io-client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { call, login } from '../../scripts/system/api.ts'
import { freePorts } from '../../scripts/system/ports.ts'
import type { ManagedProcess } from '../../scripts/system/managed-process.ts'
import { startPrivateSystem, type PrivateSystem } from '../../scripts/system/private-system.ts'
import { openDashboard } from '../../scripts/torture/sockets/dashboard.ts'
import { openInspector } from '../../scripts/system/inspector.ts'

const KEY = { 'x-api-key': 'gateway-service-key' }
const ENV = { MAX_BOT_MODE: 'off', THROTTLE_LIMIT: '100000', WS_AUTHENTICATE_TIMEOUT_MS: '5000' }
let system: PrivateSystem
let gateway: ManagedProcess
let inspector: Awaited<ReturnType<typeof openInspector>>
let token: string

beforeAll(async () => {
  const [port = 0] = await freePorts(1)
  system = await startPrivateSystem({
    env: { ...ENV, LOG_LEVEL: 'warn', NODE_OPTIONS: `--inspect-port=127.0.0.1:${port}` },
    only: ['admin', 'state', 'gateway'],
  })
  gateway = system.process('gateway')
  // It opens its inspector at that, a little later.
  process.kill(gateway.pid, 'SIGUSR1')
  inspector = await vi.waitFor(() => openInspector(port), { timeout: 30_000, interval: 100 })
  token = (await login(gateway.url)).token
}, 120_000)
afterAll(async () => {
  inspector?.close()
  await system?.stop()
})

function open(auth: { token?: string }): Socket & { ends: string[] } {
  const socket = io(gateway.url, {
    path: '/api/v1/socket.io',
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
    auth,
  })
  const ends: string[] = []
  socket.on('disconnect', (reason) => ends.push(reason))
  return Object.assign(socket, { ends })
}

async function connected(socket: Socket): Promise<void> {
  if (socket.connected) return
  await new Promise<void>((resolve) => void socket.once('connect', resolve))
}

/** Each ends when the gateway has ended it. */
const ABUSES: [name: string, code: string, abuse: (socket: Socket) => void][] = [
  [
    'one that floods',
    'WS_TOO_MANY_EVENTS',
    (socket) => {
      for (let n = 0; n < 20_000; n += 1) socket.emit('unsubscribe', { channel: 'tasks' })
    },
  ],
  [
    'one that wants ten thousand channels, one after another',
    'WS_TOO_MANY_CHANNELS',
    (socket) => {
      const next = (n: number): void =>
        void socket.emit('subscribe', { channel: `task:t${n}` }, () => next(n + 1))
      next(0)
    },
  ],
  [
    'one that sends ten megabytes',
    'WS_PAYLOAD_TOO_LARGE',
    (socket) => void socket.emit('message', { roomId: 'r', text: 'x'.repeat(10_000_000) }),
  ],
]

const metrics = async () => (await fetch(`${gateway.url}/api/v1/metrics`)).text()
async function closedWith(code: string): Promise<number> {
  const line = new RegExp(`^websocket_closed_total\\{code="${code}"\\} (\\d+)$`, 'mu')
  return Number(line.exec(await metrics())?.[1] ?? 0)
}
const median = (values: number[]): number => values.toSorted((a, b) => a - b)[1] ?? NaN

/** Thirty tasks at once, close to the largest body that is taken. */
const TOGETHER = 30
async function write(round: string): Promise<void> {
  const operations = Array.from({ length: TOGETHER }, (_, n) => ({
    op: 'create',
    entity: 'task',
    entityId: `${round}_${n}`,
    status: 'created',
    metadata: { text: 'x'.repeat(30_000) },
  }))
  const { status } = await call(`${system.url('state')}/api/v1/states/batch`, {
    method: 'POST',
    headers: KEY,
    json: { mode: 'atomic', operations },
  })
  if (status >= 300) throw new Error(`The tasks could not be written: ${status}`)
}

test.each(ABUSES)(
  '%s is closed, costs nothing, and others notice nothing',
  async (_name, code, abuse) => {
    const witness = openDashboard(gateway.url, token)
    await expect.poll(() => witness.isFollowing(), { timeout: 10_000 }).toBe(true)
    const growths: number[] = []
    for (let round = 0; round < 3; round += 1) {
      const before = await inspector.heap()
      const known = await closedWith(code)
      const socket = open({ token })
      await connected(socket)
      abuse(socket)
      await expect.poll(() => socket.ends, { timeout: 20_000 }).toHaveLength(1)
      await expect.poll(() => closedWith(code)).toBe(known + 1)
      growths.push((await inspector.heap()) - before)
    }
    await write(`after_${code}`)

    expect(median(growths)).toBeLessThan(20)
    await expect.poll(() => witness.changes()).toBe(TOGETHER)
    expect(witness.reloads()).toBe(1)
    witness.close()
  },
)

test('clients that stop reading are cut, and hold no memory', async () => {
  const reader = openDashboard(gateway.url, token)
  await expect.poll(() => reader.isFollowing(), { timeout: 10_000 }).toBe(true)
  const growths: number[] = []
  let told = 0
  for (let round = 0; round < 3; round += 1) {
    const before = await inspector.heap()
    const known = await closedWith('WS_TOO_SLOW')
    const sockets = [open({ token }), open({ token }), open({ token })]
    for (const socket of sockets) {
      await connected(socket)
      await socket.emitWithAck('subscribe', { channel: 'tasks' })
      const { transport } = socket.io.engine
      Reflect.get(Reflect.get(transport, 'ws') as object, '_socket').pause()
    }
    const step = async () => {
      await write(`slow_${(told += 1)}`)
      return closedWith('WS_TOO_SLOW')
    }
    await expect.poll(step, { timeout: 60_000 }).toBe(known + 3)
    growths.push((await inspector.heap()) - before)
    for (const socket of sockets) socket.close()
  }

  expect(median(growths)).toBeLessThan(20)
  await expect.poll(() => reader.changes(), { timeout: 10_000 }).toBe(told * TOGETHER)
  expect(reader.reloads()).toBe(1)
  reader.close()
}, 240_000)

test('clients that never authenticate, or never say anything, are closed and hold no memory', async () => {
  const before = await inspector.heap()
  const known = await closedWith('WS_AUTHENTICATION_REQUIRED')
  const silent = Array.from({ length: 50 }, () => open({}))
  const { hostname, port } = new URL(gateway.url)
  const mute = Array.from({ length: 50 }, () => {
    const socket = connect(Number(port), hostname)
    socket.write(
      `GET /api/v1/socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${hostname}:${port}\r\n` +
        'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    return socket.resume()
  })
  await Promise.all(silent.map(connected))

  await expect
    .poll(() => closedWith('WS_AUTHENTICATION_REQUIRED'), { timeout: 20_000 })
    .toBe(known + 50)
  await expect.poll(() => mute.filter(({ closed }) => !closed).length, { timeout: 20_000 }).toBe(0)
  expect(await metrics()).toContain('websocket_rejected_total{reason="mute"} 50')

  expect(silent.every(({ ends }) => ends[0] === 'io server disconnect')).toBe(true)
  expect((await inspector.heap()) - before).toBeLessThan(20)
}, 120_000)

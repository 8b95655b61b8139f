import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call, login } from '../../scripts/system/api.ts'
import { startPrivateSystem, type PrivateSystem } from '../../scripts/system/private-system.ts'
import { root } from '../../scripts/system/root.ts'
import { blocks, outsideWith, runProgram } from './client-program.ts'

const run = promisify(execFile)
let system: PrivateSystem
let session: Awaited<ReturnType<typeof login>>

beforeAll(async () => {
  system = await startPrivateSystem({
    env: { MAX_BOT_MODE: 'off' },
    only: ['admin', 'state', 'gateway'],
  })
  session = await login(system.url('gateway'))
}, 120_000)
afterAll(() => system?.stop())

/** The printed address and placeholders are those of this system. */
const here = (text: string): string =>
  text
    .replaceAll('http://localhost:3001', system.url('gateway'))
    .replaceAll('your-jwt-token', session.token)
    .replaceAll("'jwt-token'", `'${session.token}'`)

const write = (method: string, path: string, json: object) =>
  call(`${system.url('gateway')}/api/v1${path}`, {
    method,
    headers: { authorization: session.authorization },
    json,
  })

const page = () => readFile(join(root, 'docs', 'socket.md'), 'utf8')

test('the client of the commissioned README works as printed', async () => {
  const lines = await runProgram(
    here(`
import io from 'socket.io-client';

const socket = io('http://localhost:3001', {
  path: '/api/v1/socket.io',
  transports: ['websocket'],
  auth: {
    token: 'your-jwt-token'
  }
});

socket.on('connect', () => {
  console.log('Connected to Gateway');
});

// Аутентификация
socket.emit('authenticate', { token: 'jwt-token' });

// Подписка на события задач
socket.emit('subscribe', { channel: 'tasks' });

// Отправка сообщения
socket.emit('message', { text: 'Hello', roomId: '123' });

// Уведомление о новой задаче
socket.on('task:created', (data) => {
  console.log('New task:', data);
});

// Изменение статуса задачи
socket.on('task:updated', (data) => {
  console.log('Task updated:', data);
});

// Системное уведомление
socket.on('notification', (data) => {
  console.log('Notification:', data);
});

socket.on('error', (error) => console.log('Refused:', error));
`),
  )
  await expect.poll(() => lines, { timeout: 10_000 }).toContain('Connected to Gateway')

  // Nothing says that the subscription has arrived: whoever asked for no acknowledgement gets none.
  let tries = 0
  const seen = async (text: string) => {
    tries += 1
    await write('POST', '/states/task', { entityId: `readme_${tries}`, status: 'created' })
    return lines.some((line) => line.startsWith(text))
  }
  await expect.poll(() => seen('New task:'), { timeout: 10_000, interval: 200 }).toBe(true)
  await write('PUT', '/states/task/readme_1', { status: 'in_progress' })
  await write('POST', '/notifications', {
    to: { all: true },
    level: 'info',
    title: 'Привет',
    text: 'Всем',
  })

  await expect.poll(() => lines.some((line) => line.startsWith('Task updated:'))).toBe(true)
  await expect.poll(() => lines.some((line) => line.startsWith('Notification:'))).toBe(true)
  expect(lines.filter((line) => line.startsWith('Refused:'))).toEqual([])
})

test('the client of our page works as printed, and resumes over a restart of the gateway', async () => {
  const [client = ''] = blocks(await page(), 'js')
  const lines = await runProgram(here(client))
  await expect.poll(() => lines, { timeout: 10_000 }).toContain('load the list of tasks')

  await write('POST', '/states/task', { entityId: 'page_1', status: 'created' })
  await expect.poll(() => lines).toContain('task:created page_1 created')
  await system.process('gateway').end()
  const { status } = await call(`${system.url('state')}/api/v1/states/task`, {
    method: 'POST',
    headers: { 'x-api-key': 'gateway-service-key' },
    json: { entityId: 'page_2', status: 'created' },
  })
  expect(status).toBe(201)
  await system.process('gateway').start()

  await expect.poll(() => lines, { timeout: 15_000 }).toContain('task:created page_2 created')
  expect(lines.filter((line) => line === 'load the list of tasks')).toHaveLength(1)
  expect(lines.filter((line) => line.startsWith('task:created page_'))).toHaveLength(2)
  expect(lines).toContain('WS_SERVER_CLOSING This server goes away; another one is there')
})

test('the maps of events type a client, and refuse a wrong one', async () => {
  const [client = ''] = blocks(await page(), 'ts')
  const good = `${client}
socket.on('task:updated', ({ id, newStatus, cursor }) => {
  const place: string = cursor
  const status: string | null = newStatus
  console.log(id, place, status)
})
socket.on('notification', ({ id, level }) => {
  const known: 'info' | 'success' | 'warning' | 'error' = level
  console.log(known)
  socket.emit('notification:seen', { id })
})
socket.emit('subscribe', { channel: 'tasks', since: 'e.1' }, (answer) => {
  if (answer.ok) console.log(answer.cursor, answer.recovered)
  else console.log(answer.error.code, answer.error.reconnect)
})
`
  const wrong = [
    `socket.on('task:renamed', () => {})`,
    `socket.emit('subscribe', 'tasks')`,
    `socket.emit('subscribe', { channel: 'tasks' }, (answer) => answer.cursor)`,
    `socket.emit('message', { text: 'Hello' })`,
    `socket.on('task:created', ({ title }) => title)`,
  ]
  const directory = await outsideWith({
    'package.json': '{"type":"module"}',
    'good.ts': good,
    ...Object.fromEntries(wrong.map((line, n) => [`wrong-${n}.ts`, `${client}\n${line}\n`])),
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        module: 'nodenext',
        target: 'es2023',
        types: ['node'],
      },
      include: ['*.ts'],
    }),
  })

  const compiled = await run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', directory], {
    cwd: directory,
  }).catch((error: unknown) => error as { stdout: string })

  const faulty = new Set(compiled.stdout.match(/^[a-z0-9-]+\.ts/gmu))
  expect(faulty).toEqual(new Set(wrong.map((_line, n) => `wrong-${n}.ts`)))
})

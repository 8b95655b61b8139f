import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** A service of a few lines: `/slow` takes a while, `/hung` for ever, `/crash` breaks it. */
const SERVICE = `
import { fastify } from 'fastify'
import { pino } from 'pino'
import { installShutdown } from './index.js'

const [delayMs, timeoutMs] = process.argv.slice(2).map(Number)
const log = pino()
const app = fastify({ loggerInstance: log, disableRequestLogging: true, return503OnClosing: false })
app.decorate('health', { draining: false })
app.addHook('onSend', async (_request, reply) => {
  if (app.health.draining) reply.header('connection', 'close')
})
app.get('/', async () => ({ draining: app.health.draining }))
app.get('/slow', () => new Promise((resolve) => setTimeout(resolve, 400, { done: true })))
app.get('/hung', () => new Promise(() => {}))
app.get('/crash', async () => {
  setImmediate(() => { throw new Error('nobody caught this') })
})
app.get('/reject', async () => {
  setImmediate(() => Promise.reject(new Error('nobody awaited this')))
})
app.get('/unclosable', async () => {
  app.cannotClose = true
  return {}
})
app.addHook('onClose', async () => {
  if (app.cannotClose) throw new Error('the store would not close')
  log.info('closed')
})
installShutdown(app, { delayMs, timeoutMs, log })
await app.listen({ port: 0, host: '127.0.0.1' })
log.info({ port: app.server.address().port }, 'listening')
`

let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'potok-shutdown-'))
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'))
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  await writeFile(join(directory, 'service.js'), SERVICE)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const flags =
    '--ignoreConfig --target es2023 --module nodenext --skipLibCheck --types node --noCheck'
  const source = join(root, 'packages/core/src/shutdown/index.ts')
  await promisify(execFile)(process.execPath, [
    tsc,
    ...flags.split(' '),
    '--outDir',
    directory,
    source,
  ])
})

afterAll(() => rm(directory, { recursive: true, force: true }))

interface Line {
  level: number
  msg: string
  port?: number
  [field: string]: unknown
}

async function service({ delayMs = 0, timeoutMs = 3000 } = {}) {
  const child = spawn(
    process.execPath,
    [join(directory, 'service.js'), String(delayMs), String(timeoutMs)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: Line[] = []
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts.map((part) => JSON.parse(part) as Line))
  })
  const exited = once(child, 'close').then(([code]) => code as number | null)
  const port = await vi.waitFor(
    () => {
      const line = lines.find(({ msg }) => msg === 'listening')
      if (line?.port === undefined) throw new Error('not listening yet')
      return line.port
    },
    { timeout: 10_000 },
  )
  const said = (msg: string) => lines.find((line) => line.msg === msg)
  return { kill: (signal: NodeJS.Signals) => child.kill(signal), exited, port, said }
}

async function get(port: number, path: string) {
  const request = httpRequest({ port, host: '127.0.0.1', path, agent: false }).end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode, connection: response.headers.connection, text }
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s closes the app and exits with 0', async (signal) => {
  const { kill, exited, said } = await service()

  kill(signal)

  expect(await exited).toBe(0)
  expect(said('shutting down')).toMatchObject({ signal, context: 'Process' })
  expect(said('closed')).toBeDefined()
})

test('during the delay it still answers, draining and with Connection: close', async () => {
  const { kill, exited, port, said } = await service({ delayMs: 600 })
  const before = await get(port, '/')

  kill('SIGTERM')
  await vi.waitFor(() => expect(said('shutting down')).toBeDefined())
  const during = await get(port, '/')

  expect(before.text).toBe('{"draining":false}')
  expect(during).toEqual({ status: 200, connection: 'close', text: '{"draining":true}' })
  expect(await exited).toBe(0)
})

test('a request under way is finished before the process ends', async () => {
  const { kill, exited, port } = await service()
  const slow = get(port, '/slow')
  await get(port, '/')

  kill('SIGTERM')

  expect(await slow).toMatchObject({ status: 200, text: '{"done":true}' })
  expect(await exited).toBe(0)
})

test('what cannot be closed in time ends it with 1, and the log names what is open', async () => {
  const { kill, exited, port, said } = await service({ timeoutMs: 300 })
  get(port, '/hung').catch(() => {})
  await get(port, '/')

  kill('SIGTERM')

  expect(await exited).toBe(1)
  expect(said('could not close in time')).toMatchObject({
    level: 50,
    open: { TCPSocketWrap: expect.any(Number) },
  })
})

test('a second signal exits at once', async () => {
  const { kill, exited, said } = await service({ delayMs: 20_000 })
  const startedAt = performance.now()

  kill('SIGTERM')
  await vi.waitFor(() => expect(said('shutting down')).toBeDefined())
  kill('SIGTERM')

  expect(await exited).toBe(1)
  expect(performance.now() - startedAt).toBeLessThan(5000)
  expect(said('second signal, exiting at once')).toMatchObject({ signal: 'SIGTERM' })
})

test.each([
  ['/crash', 'nobody caught this'],
  ['/reject', 'nobody awaited this'],
])(
  'an error that %s leaves uncaught is logged, the app is closed, the exit code is 1',
  async (path, message) => {
    const { exited, port, said } = await service({ delayMs: 20_000 })

    get(port, path).catch(() => {})

    expect(await exited).toBe(1)
    expect(said('ended by an error that nobody caught')).toMatchObject({
      level: 60,
      err: { message },
    })
    expect(said('closed')).toBeDefined()
  },
)

test('a close that fails is logged and exits with 1', async () => {
  const { kill, exited, port, said } = await service()
  await get(port, '/unclosable')

  kill('SIGTERM')

  expect(await exited).toBe(1)
  expect(said('closing failed')).toMatchObject({ err: { message: 'the store would not close' } })
})

/** The built process, as `npm run start:simulator` runs it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))

function start(env: Record<string, string>) {
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  child.stderr.on('data', (chunk) => (output += String(chunk)))
  return { child, exited: once(child, 'exit'), output: () => output }
}

test('it says where its page is, works without a working directory of ours, and ends on a signal', async () => {
  const { child, exited, output } = start({ PORT: '0' })
  await once(child.stdout, 'data')
  const url = /chat page (http:\/\/127\.0\.0\.1:\d+\/)\n$/u.exec(output())?.[1] ?? ''
  const page = await fetch(`${url}page/main.js`)
  expect([page.status, page.headers.get('content-type')]).toEqual([
    200,
    'text/javascript; charset=utf-8',
  ])
  const stream = await fetch(`${url}control/stream`)
  expect(stream.status).toBe(200)
  child.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
  await stream.body?.cancel().catch(() => undefined)
  expect(output().trim().split('\n')).toHaveLength(2)
})

test('in production it ends with one line', async () => {
  const { exited, output } = start({ NODE_ENV: 'production' })
  expect(await exited).toEqual([1, null])
  expect(output()).toMatch(/^\S+ error max-simulator: .* refuses to run .*NODE_ENV=production\n$/u)
})

test('a port in use is said in one line', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' ? String(address?.port) : ''
  const { exited, output } = start({ PORT: port })
  expect(await exited).toEqual([1, null])
  expect(output()).toContain(`PORT ${port} is in use`)
  expect(output().trim().split('\n')).toHaveLength(1)
  taken.close()
})

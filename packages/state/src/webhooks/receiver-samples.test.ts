import { execFileSync, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { freePort } from '@potok/core/testing/server-process'
import { patience } from '../testing/patience.ts'
import { temporaryDirectory } from '../testing/service.ts'
import { change, createWebhookService } from '../testing/webhook-service.ts'

const PAGE = new URL('../../../../docs/webhooks.md', import.meta.url)
const secret = 'the-secret-of-the-samples'

/** The first block of a language in the page. */
async function sample(language: string): Promise<string> {
  const page = await readFile(PAGE, 'utf8')
  const code = new RegExp(`\`\`\`${language}\\n(?<code>[\\s\\S]*?)\`\`\``, 'u').exec(page)
    ?.groups?.['code']
  if (code === undefined) throw new Error(`No ${language} in docs/webhooks.md`)
  return code
}

const isInstalled = (program: string, ...args: string[]): boolean => {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Starts a program that runs the sample; ended when the test is over. */
async function run(
  language: string,
  file: string,
  command: (file: string, port: number) => string[],
) {
  const path = join(await temporaryDirectory(), file)
  await writeFile(path, await sample(language))
  const port = await freePort()
  const variables = [`PORT=${port}`, `WEBHOOK_SECRETS=other,${secret}`]
  const child = spawn('env', [...variables, ...command(path, port)], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  return port
}

/** Runs the TypeScript sample in this process, which knows how to read it. */
async function runTypeScript(): Promise<number> {
  const path = join(await temporaryDirectory(), 'receiver.ts')
  await writeFile(path, await sample('ts'))
  const port = await freePort()
  vi.stubEnv('PORT', String(port))
  vi.stubEnv('WEBHOOK_SECRETS', `other,${secret}`)
  const said = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  const { server } = (await import(pathToFileURL(path).href)) as { server: Server }
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
    vi.unstubAllEnvs()
    said.mockRestore()
  })
  return port
}

/** Delivers to the receiver, and tries to fool it. */
async function judge(port: number): Promise<void> {
  const { subscribe, raise, deliveries, call } = await createWebhookService()
  const url = `http://127.0.0.1:${port}/`
  const { id } = await subscribe({ url, secret })
  const ping = () => call('POST', `webhooks/subscriptions/${id}/test`)
  await expect.poll(async () => (await ping()).body.delivered, patience).toBe(true)

  await raise(change('t1', 1, { metadata: { title: 'Отчёт «№ 1» </script>', n: 1.5e-7 } }))
  await expect.poll(async () => (await deliveries(id))[0]?.status, patience).toBe('delivered')

  const forged = await fetch(url, {
    method: 'POST',
    headers: { 'x-webhook-signature': `sha256=${'0'.repeat(64)}` },
    body: '{"id":"evt_1","event":"entity.created","data":{"id":"t1"}}',
  })
  expect(forged.status).toBe(401)
  const stranger = await subscribe({ url, secret: 'another-secret', maxRetries: 0 })
  await raise(change('t2', 1))
  await expect
    .poll(async () => (await deliveries(stranger.id))[0]?.attempts[0]?.responseStatus, patience)
    .toBe(401)
}

test('the TypeScript receiver of the page takes what is ours and refuses the rest', async () => {
  await expect(judge(await runTypeScript())).resolves.toBeUndefined()
})

test.skipIf(!isInstalled('python3', '--version'))(
  'the Python receiver of the page takes what is ours and refuses the rest',
  async () => {
    const port = await run('python', 'receiver.py', (file) => ['python3', file])

    await expect(judge(port)).resolves.toBeUndefined()
  },
)

test.skipIf(!isInstalled('php', '--version'))(
  'the PHP receiver of the page takes what is ours and refuses the rest (apt-get install php-cli)',
  async () => {
    const port = await run('php', 'receiver.php', (file, at) => [
      'php',
      '-S',
      `127.0.0.1:${at}`,
      file,
    ])

    await expect(judge(port)).resolves.toBeUndefined()
  },
)

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { call } from '../scripts/system/api.ts'
import { startPrivateSystem, type PrivateSystem } from '../scripts/system/private-system.ts'

const KEY = { 'x-api-key': 'gateway-service-key' }
const COMMAND = join(import.meta.dirname, '../scripts/dist/state/main.js')
let from: PrivateSystem
let to: PrivateSystem
let directory: string

interface Ended {
  code: number
  stdout: string
  stderr: string
}

/** `npm run state -- …`, as it is built. */
async function state(system: PrivateSystem, ...given: string[]): Promise<Ended> {
  const env = { PATH: process.env['PATH'], STATE_SERVICE_URL: system.url('state') }
  try {
    const options = { env, cwd: directory, maxBuffer: 67_108_864 }
    const ended = await promisify(execFile)(process.execPath, [COMMAND, ...given], options)
    return { code: 0, ...ended }
  } catch (error) {
    return error as Ended
  }
}

const write = (method: string, path: string, json: object) =>
  call(`${from.url('state')}/api/v1/${path}`, { method, headers: KEY, json })

/** The lines of an export but for its first, which tells when it was made. */
const contentOf = (text: string): string[] => text.split('\n').slice(1)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'potok-transfer-'))
  ;[from, to] = await Promise.all([
    startPrivateSystem({ only: ['state'], env: { EXTERNAL_DB_URL: '' } }),
    startPrivateSystem({ only: ['state'], env: { EXTERNAL_DB_URL: '' } }),
  ])
  await write('PUT', 'machines/order', {
    statuses: ['placed', 'paid'],
    initial: ['placed'],
    transitions: { placed: ['paid'] },
    indexes: ['city'],
  })
  await write('POST', 'states/order', { entityId: 'o1', metadata: { city: 'Тверь\u2028' } })
  await write('PUT', 'states/order/o1', { status: 'paid' })
  // More than one part of an upload.
  for (let batch = 0; batch < 4; batch += 1) {
    await write('POST', 'states/batch', {
      mode: 'atomic',
      operations: Array.from({ length: 250 }, (_, n) => ({
        op: 'create',
        entity: 'task',
        entityId: `t-${batch}-${n}`,
        metadata: { title: `Отчёт ${n}`, text: 'длинно '.repeat(200) },
      })),
    })
  }
}, 120_000)
afterAll(async () => {
  await Promise.all([from?.stop(), to?.stop()])
  await rm(directory, { recursive: true, force: true })
})

test('what one system exports an empty one imports, and then exports the same', async () => {
  const exported = await state(from, 'export', 'all.ndjson')
  expect(exported).toEqual({
    code: 0,
    stdout: '',
    stderr: 'Exported: 1001 states, 1002 versions, 1 versions of rules\n',
  })

  const imported = await state(to, 'import', 'all.ndjson')
  expect(imported).toMatchObject({ code: 0, stdout: '' })
  expect(imported.stderr).toContain('States: 1001 imported, 0 there already, 0 left')
  const again = await state(to, 'import', 'all.ndjson', '--existing', 'refuse')
  expect(again.stderr).toContain('Versions: 0 imported, 1002 there already, 0 left')

  const { stdout } = await state(to, 'export', '-')
  expect(contentOf(stdout)).toEqual(
    contentOf(await readFile(join(directory, 'all.ndjson'), 'utf8')),
  )
})

test('what goes wrong is told in one line, with its place', async () => {
  await state(from, 'export', 'whole.ndjson')
  const text = await readFile(join(directory, 'whole.ndjson'), 'utf8')
  const lines = text.split('\n')
  const told = async (name: string, content: string): Promise<string> => {
    await writeFile(join(directory, name), content)
    const { code, stderr } = await state(to, 'import', name)
    expect(code).toBe(1)
    return stderr
  }

  expect(await told('cut.ndjson', lines.slice(0, 100).join('\n'))).toMatch(
    /^The export is cut off after line 100: .*\n$/u,
  )
  const wrong = lines.with(900, '{"type":"state","entity":"task"}')
  expect(await told('wrong.ndjson', wrong.join('\n'))).toMatch(
    /^wrong\.ndjson:901: \/entityId is required.* \(422 TRANSFER_LINE_INVALID\)\..*\n$/u,
  )
  expect(await told('other.ndjson', '{}\n')).toMatch(/^This is no export: .*\n$/u)
  expect(await state(to, 'import', 'missing.ndjson')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^ENOENT: .*missing\.ndjson/u) as string,
  })
  expect((await state(to, 'export')).stderr).toContain('npm run state -- export <file>')
  expect((await state(to, 'export', 'x', '--entity', 'No')).stderr).toMatch(
    /^The export is refused: .*\/querystring\/entity.* \(400 /u,
  )
})

test('an export whose service goes away leaves no file that looks whole', async () => {
  const gone = await startPrivateSystem({ only: ['state'], env: { EXTERNAL_DB_URL: '' } })
  onTestFinished(() => gone.stop())
  await gone.process('state').end('SIGKILL')

  const { code, stderr } = await state(gone, 'export', 'gone.ndjson')

  expect([code, stderr]).toEqual([1, expect.stringContaining('cannot be reached')])
  await expect(readFile(join(directory, 'gone.ndjson'))).rejects.toThrow('ENOENT')
})

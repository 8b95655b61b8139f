import { execFile, spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createManagedProcess, type ManagedProcess } from '../../scripts/system/managed-process.ts'
import { freePorts } from '../../scripts/system/ports.ts'
import { root } from '../../scripts/system/root.ts'
import { services } from '../../scripts/system/services.ts'
import { createRandom } from '../../scripts/torture/random.ts'
import { check, eventLog } from '../../scripts/torture/state/checker.ts'
import { KEY, write, type Writers } from '../../scripts/torture/state/writers.ts'

const ENTITIES = 12
const program = join(root, 'scripts/dist/backup/main.js')
const folder = mkdtempSync(join(tmpdir(), 'potok-backup-'))
const at = (name: string): string => join(folder, name)
const run = (...args: string[]) =>
  spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })

async function stateOn(data: string): Promise<ManagedProcess> {
  const [port = 0] = await freePorts(1)
  const all = services({
    ADMIN_PORT: 1,
    GATEWAY_PORT: 1,
    STATE_PORT: port,
    TASK_PORT: 1,
    MAX_SIMULATOR_PORT: 1,
    POTOK_DATA_DIR: data,
  })
  const service = all.find(({ name }) => name === 'state')
  if (service === undefined) throw new Error('There is no state service')
  return createManagedProcess({ service, env: { PATH: process.env['PATH'], LOG_LEVEL: 'warn' } })
}

const into: Writers = { acknowledged: [], deleted: [], refused: 0, away: 0, unknown: 0, wrong: [] }
/** What had been acknowledged when the backup began: all of it must be inside. */
let before: Pick<Writers, 'acknowledged' | 'deleted'>
let live: ManagedProcess
let restored: ManagedProcess
/** The cursor of the last event before the backup, and of the last one that the first service ever gave. */
let early: string
let late: string

const cursorNow = async (origin: string): Promise<string> =>
  (await eventLog(origin)).at(-1)?.cursor ?? ''

async function writeUntil(done: Promise<unknown>): Promise<void> {
  let stop = false
  const writing = write([live.url], createRandom(7), {
    writers: 6,
    entities: ENTITIES,
    into,
    stopped: () => stop,
  })
  await done
  stop = true
  await writing
}

beforeAll(async () => {
  live = await stateOn(at('live'))
  await live.start()
  const enough = async (count: number): Promise<void> => {
    const look = (): void => {
      if (into.acknowledged.length < count) throw new Error('There are not enough writes yet')
    }
    await vi.waitFor(look, { timeout: 60_000, interval: 20 })
  }
  await writeUntil(
    (async () => {
      await enough(200)
      early = await cursorNow(live.url)
      before = structuredClone({ acknowledged: into.acknowledged, deleted: into.deleted })
      await promisify(execFile)(process.execPath, [
        program,
        'backup',
        at('backup'),
        '--data',
        at('live'),
      ])
      await enough(into.acknowledged.length + 100)
    })(),
  )
  late = await cursorNow(live.url)
}, 120_000)

afterAll(async () => {
  await live?.end()
  await restored?.end()
  rmSync(folder, { recursive: true })
})

test('a store that a service uses is not overwritten', () => {
  const { status, stderr } = run('restore', at('backup'), '--data', at('live'))

  expect(status).toBe(1)
  expect(stderr).toContain('Another process uses')
})

test('what was backed up under writes is consistent, and holds all that was acknowledged before', async () => {
  expect(run('restore', at('backup'), '--data', at('restored'))).toMatchObject({ status: 0 })
  restored = await stateOn(at('restored'))
  await restored.start()

  const verdict = await check(
    restored.url,
    before,
    Array.from({ length: ENTITIES }, (_, index) => `t${index + 1}`),
  )

  expect(before.acknowledged.length).toBeGreaterThanOrEqual(200)
  expect(verdict.faults).toEqual([])
  expect(verdict.changes).toBe(verdict.events)
  expect(into.wrong).toEqual([])
})

test('a reader that saw what the backup does not know is reset, also when the log has grown past it', async () => {
  const first = async (cursor: string): Promise<string> => {
    const response = await fetch(`${restored.url}/api/v1/events/stream`, {
      headers: { ...KEY, 'last-event-id': cursor },
    })
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString()
      const found = /^event: (?<name>\S+)$/mu.exec(text)?.groups?.['name']
      // Leaving the loop ends the connection.
      if (found !== undefined) return found
    }
    return 'nothing'
  }
  const position = (cursor: string): number => Number(cursor.split('.')[1])

  expect(await first(late)).toBe('reset')
  for (let nth = 0; position(await cursorNow(restored.url)) <= position(late); nth += 1) {
    await fetch(`${restored.url}/api/v1/states/process`, {
      method: 'POST',
      headers: { ...KEY, 'content-type': 'application/json' },
      body: JSON.stringify({ entityId: `after-${nth}` }),
    })
  }

  expect(await first(late)).toBe('reset')
  expect(await first(early)).not.toBe('reset')
})

test('a backup that was changed, or not finished, is not restored', () => {
  appendFileSync(at('backup/state.sqlite'), 'x')

  expect(run('restore', at('backup'), '--data', at('third')).stderr).toContain(
    'not what was backed up',
  )
  expect(run('restore', at('nowhere'), '--data', at('third')).stderr).toContain(
    'no finished backup',
  )
  expect(run('backup', at('more'), '--data', at('nowhere')).stderr).toContain('There is no store')
})

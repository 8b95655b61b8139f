import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { describeService } from '@potok/core/testing/services'
import { postgresService } from '@potok/core/testing/postgres-server'

const COMMAND = join(import.meta.dirname, '../scripts/dist/torture/main.js')
/** The same moments and the same writes each time, as far as the machine keeps to them. */
const SEED = '20251110'

async function torture(store: 'sqlite' | 'postgres'): Promise<string> {
  const given = ['state', '--rounds', '2', '--store', store, '--seed', SEED]
  const { stdout } = await promisify(execFile)(process.execPath, [COMMAND, ...given])
  return stdout
}

const summary = (store: string): RegExp =>
  new RegExp(`${store} round 2/2: [1-9]\\d* acknowledged, .* 0 violations`, 'u')

// A violation ends the command with 1, and this test with what it printed.
test('kill -9 under random writers loses nothing on SQLite; 30 rounds are `npm run torture -- state`', async () => {
  expect(await torture('sqlite')).toMatch(summary('sqlite'))
})

describeService(postgresService, 'on PostgreSQL', () => {
  test('kill -9 of one of two replicas under random writers loses nothing', async () => {
    expect(await torture('postgres')).toMatch(summary('postgres'))
  })
})

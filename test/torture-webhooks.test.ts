import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { describeService } from '@potok/core/testing/services'
import { postgresService } from '@potok/core/testing/postgres-server'

const COMMAND = join(import.meta.dirname, '../scripts/dist/torture/main.js')
/** The same moments and the same faults each time, as far as the machine keeps to them. */
const SEED = '20251110'

/** One round, on one store each: the rest is for long runs. A violation ends the command with 1, and so the test. */
async function torture(subject: 'webhooks' | 'bursts' | 'events', store: string): Promise<string> {
  const given = [subject, '--rounds', '1', '--store', store, '--seed', SEED]
  const { stdout } = await promisify(execFile)(process.execPath, [COMMAND, ...given])
  return stdout
}

test('deliveries survive a bad sink and a kill -9 on SQLite; 30 rounds are `npm run torture -- webhooks`', async () => {
  expect(await torture('webhooks', 'sqlite')).toMatch(
    /[1-9]\d* events × \d subscriptions: .*delivered/u,
  )
}, 240_000)

test('deliveries that are in memory survive a kill -9; 30 rounds are `npm run torture -- bursts`', async () => {
  expect(await torture('bursts', 'sqlite')).toMatch(/[1-9]\d* events × 5 subscriptions/u)
}, 120_000)

describeService(postgresService, 'on PostgreSQL', () => {
  test('a stream that is cut every second misses nothing, and a dump put back under it is told', async () => {
    expect(await torture('events', 'postgres')).toMatch(/reset after the restore, then 50 events/u)
  }, 240_000)
})

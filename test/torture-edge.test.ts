import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { nginxService } from '@potok/core/testing/nginx-server'
import { postgresService } from '@potok/core/testing/postgres-server'
import { redisService } from '@potok/core/testing/redis-server'
import { describeService } from '@potok/core/testing/services'

const COMMAND = join(import.meta.dirname, '../scripts/dist/torture/main.js')
/** The same gateway each time. */
const SEED = '20251110'
const needed = {
  name: 'nginx, PostgreSQL or Redis',
  install: `${nginxService.install} postgresql redis-server`,
  isInstalled: () =>
    [nginxService, postgresService, redisService].every((one) => one.isInstalled()),
}

// A failed request ends the command with 1, and this test with what it printed.
describeService(needed, 'two gateways behind the shipped nginx', () => {
  test('a restart of one fails no request; 20 at full rate are `npm run torture -- edge --rounds 20`', async () => {
    const given = ['edge', '--rounds', '1', '--rate', '20', '--store', 'postgres', '--seed', SEED]
    // Ended before the test is, so that it leaves no server behind.
    const { stdout } = await promisify(execFile)(process.execPath, [COMMAND, ...given], {
      timeout: 110_000,
    })
    expect(stdout).toMatch(/restart 1\/1: [1-9]\d* sent, .* 0 failed/u)
  })
})

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import { fastify } from 'fastify'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openDatabase } from '../database/index.ts'
import { createQueue, queueMigrations, type Job } from './index.ts'
import { inherit } from './inheritance.ts'

const log = fastify().log
const HOUR_MS = 3_600_000

async function openWithLeasedJob() {
  const file = join(mkdtempSync(join(tmpdir(), 'potok-inherit-')), 'queue.sqlite')
  const database = await openDatabase({ file, schema: 'test', migrations: queueMigrations, log })
  onTestFinished(() => database.close())
  const started: string[] = []
  const queue = createQueue({
    database,
    name: 'work',
    payload: Type.Object({}),
    leaseMs: HOUR_MS,
    closeMs: 0,
    log,
    work: ({ id }: Job<object>) => {
      started.push(id)
      // Never settled, as by a process that died.
      return new Promise(() => undefined)
    },
  })
  onTestFinished(() => queue.close())
  await database.write((trx) => queue.enqueue(trx, [{ id: 'a', lane: 'lane', payload: {} }]))
  queue.start()
  await vi.waitFor(() => expect(started).toEqual(['a']))
  const leases = () => inherited
  let inherited = 0
  return {
    leases,
    inherit: (startedAt: number) =>
      inherit({
        database,
        name: 'work',
        leaseMs: HOUR_MS,
        log,
        startedAt,
        inherited: () => (inherited += 1),
      }),
  }
}

test('a lease from before this process ends at once, one of its own does not', async () => {
  const { inherit: inheritAt, leases } = await openWithLeasedJob()

  await inheritAt(Date.now() - 60_000)
  expect(leases()).toBe(0)

  await inheritAt(Date.now() + 60_000)
  expect(leases()).toBe(1)
})

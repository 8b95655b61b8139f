import { beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { openDatabase } from '../database/index.ts'
import { describeSqlite, quietLog, type TestStore } from '../testing/databases.ts'
import {
  createHands,
  createTestQueue,
  HOUR_MS,
  migrations,
  type Tables,
} from '../testing/queue-fixture.ts'
import { buildCore, startScript } from '../testing/script-process.ts'

/** A process that takes jobs up and never ends one. */
const HANGING = `
  import { writeSync } from 'node:fs'
  import { openDatabase } from '@potok/core/database'
  import { createQueue } from '@potok/core/queue'
  import { migrations, job, Payload } from '@potok/core/testing/queue-fixture'
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const database = await openDatabase({ file: process.argv[1], schema: 'x', migrations, log })
  const work = ({ id }) => { writeSync(1, id + '\\n'); return new Promise(() => {}) }
  const queue = createQueue({ database, name: 'test', payload: Payload, work, log, leaseMs: ${HOUR_MS} })
  queue.start()
  await database.write((trx) => queue.enqueue(trx, [job('a'), job('b', { key: 'k' }), job('c', { key: 'k' })]))`

describeSqlite('the queue after its process was killed', (store: TestStore) => {
  beforeAll(buildCore)

  test('goes on at once: nobody else can hold what the dead process held', async () => {
    const place = await store.place()
    const hanging = startScript(HANGING, [place.file])
    onTestFinished(() => hanging.kill())
    const started = [await hanging.lines.next(), await hanging.lines.next()]
    expect(started.map(({ value }) => String(value)).toSorted()).toEqual(['a', 'b'])
    await hanging.kill()
    const database = await openDatabase<Tables>({ ...place, migrations, log: quietLog })
    onTestFinished(() => database.close())
    const hands = createHands()
    createTestQueue(database, { work: hands.work }).start()
    await vi.waitFor(() => expect(hands.ids().toSorted()).toEqual(['a', 'b']))
    expect(hands.started.map(({ leases }) => leases)).toEqual([2, 2])
    hands.end('b')
    await vi.waitFor(() => expect(hands.ids()).toContain('c'))
  })
})

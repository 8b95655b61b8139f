import { expect, test } from 'vitest'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { createAnswers, type Answer } from './answers.ts'
import { claimOf } from './claim.ts'
import { migrations } from './migrations.ts'
import { purge } from './retention.ts'
import type { IdempotencyTables } from './tables.ts'

const HOUR = 3_600_000
const RETENTION = 24 * HOUR

const claim = claimOf({
  key: 'k',
  service: 'gateway',
  actor: 'user:u1',
  method: 'POST',
  path: '/api/v1/states/task',
  body: { entityId: 'a' },
})

function suite(store: TestStore): void {
  async function build() {
    const database = await store.open<IdempotencyTables>(migrations)
    const answers = createAnswers({ store: database, retentionMs: RETENTION })
    let done = 0
    const once = (given: Partial<typeof claim> | 'no key' = {}) =>
      database.write((trx) =>
        answers.once(
          trx,
          given === 'no key' ? undefined : { ...claim, ...given },
          async (): Promise<Answer> => {
            done += 1
            return { status: 201, etag: `"${done}"`, location: '/a', body: `{"n":${done}}` }
          },
        ),
      )
    return { database, once, count: () => done }
  }

  test('an answer is kept with all its parts and given again', async () => {
    const { once, count } = await build()

    const first = await once()

    expect(await once()).toEqual(first)
    expect(first).toEqual({ status: 201, etag: '"1"', location: '/a', body: '{"n":1}' })
    expect(count()).toBe(1)
  })

  test('without a key everything is done', async () => {
    const { once, count } = await build()

    await once('no key')
    await once('no key')

    expect(count()).toBe(2)
  })

  test('after its retention a key is as good as new, also for another payload', async () => {
    const { database, once } = await build()
    await once()
    database.setClockOffset(RETENTION - HOUR)
    expect((await once()).etag).toBe('"1"')
    await expect(once({ payload: 'other' })).rejects.toMatchObject({ statusCode: 422 })

    database.setClockOffset(RETENTION + HOUR)

    expect((await once({ payload: 'other' })).etag).toBe('"2"')
  })

  test('what is past its retention is removed, the rest stays', async () => {
    const { database, once } = await build()
    await once({ id: 'old' })
    database.setClockOffset(RETENTION + HOUR)
    await once({ id: 'new' })

    expect(await purge({ store: database, retentionMs: RETENTION })).toBe(1)

    const left = await database.kysely.selectFrom('idempotency_keys').select('id').execute()
    expect(left).toEqual([{ id: 'new' }])
  })
}

describeDatabases('idempotency', suite)

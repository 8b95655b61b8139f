import { monitorEventLoopDelay } from 'node:perf_hooks'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { describeDatabases, describeSqlite, type TestStore } from '@potok/core/testing/databases'
import type { AnyDatabase, Migration } from '@potok/core/database'
import { ReadTooLong } from './errors.ts'
import { createPostgresLongReads } from './postgres-long-reads.ts'
import { createSqliteLongReads, type SqliteLongReadsOptions } from './sqlite-long-reads.ts'

interface Tables {
  numbers: { n: number }
}

const migrations: Record<string, Migration> = {
  numbers: {
    up: async (db) => {
      await db.schema.createTable('numbers').addColumn('n', 'integer').execute()
    },
  },
}

const LIMITS: SqliteLongReadsOptions = { limitMs: 300, places: 1, waitingLimit: 1, waitMs: 15_000 }

async function open(store: TestStore, options: Partial<SqliteLongReadsOptions> = {}) {
  const place = await store.place()
  const database = await store.open<Tables>(migrations, place)
  const limits = { ...LIMITS, ...options }
  const reads =
    store.dialect === 'postgres'
      ? createPostgresLongReads(database, limits)
      : createSqliteLongReads(database, place.file, limits)
  onTestFinished(() => reads.close())
  return { database, reads }
}

/** Counts for minutes, if one lets it. */
const endless = (database: AnyDatabase) => {
  const guard = database.dialect === 'sqlite' ? sql`where still_in_time()` : sql``
  return sql<{ count: number }>`with recursive counting(n) as
    (select 1 union all select n + 1 from counting where n < 2000000000)
    select count(*) as count from counting ${guard}`.compile(database.as<Tables>().kysely)
}

const all = (database: AnyDatabase) =>
  database.as<Tables>().kysely.selectFrom('numbers').select('n').orderBy('n').compile()

function suite(store: TestStore): void {
  test('a long read sees what was written just before', async () => {
    const { database, reads } = await open(store)
    await database.write((trx) =>
      trx
        .insertInto('numbers')
        .values([{ n: 1 }, { n: 2 }])
        .execute(),
    )

    const rows = await reads.run(all(database))

    expect(rows.map(({ n }) => n)).toEqual([1, 2])
  })

  test('a read that takes too long is ended, and the next one runs', async () => {
    const { database, reads } = await open(store)

    await expect(reads.run(endless(database))).rejects.toThrow(ReadTooLong)

    expect(await reads.run(all(database))).toEqual([])
  })

  test('it does not hold up the process meanwhile', async () => {
    const { database, reads } = await open(store)
    await reads.run(all(database))
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()

    await expect(reads.run(endless(database))).rejects.toThrow(ReadTooLong)

    delay.disable()
    expect(delay.percentile(90) / 1e6).toBeLessThan(50)
  })

  test('too many at once are refused with a time to come again', async () => {
    const { database, reads } = await open(store)
    await reads.run(all(database))
    const first = reads.run(endless(database)).catch((error: unknown) => error)
    const second = reads.run(all(database))

    await expect(reads.run(all(database))).rejects.toMatchObject({
      code: 'STORE_READS_BUSY',
      statusCode: 503,
      retryAfterSeconds: 1,
    })

    expect(await first).toBeInstanceOf(ReadTooLong)
    expect(await second).toEqual([])
  })
}

describeDatabases('long reads', suite)

describeSqlite('a worker that looks at no row', (store) => {
  /** Takes some tenths of a second on any machine, and never asks whether its time is over. */
  const blind = (database: AnyDatabase) =>
    sql<{ count: number }>`with recursive counting(n) as
      (select 1 union all select n + 1 from counting where n < 4000000)
      select count(*) as count from counting`.compile(database.as<Tables>().kysely)

  test('keeps its place until it is done, while its reader is answered in time', async () => {
    const { database, reads } = await open(store, { limitMs: 20, graceMs: 20 })
    await reads.run(all(database))

    await expect(reads.run(blind(database))).rejects.toThrow(ReadTooLong)

    expect(await reads.run(all(database))).toEqual([])
  })

  test('is waited for when the process ends', async () => {
    const { database, reads } = await open(store)
    const read = reads.run(blind(database)).catch((error: unknown) => error)

    await reads.close()

    expect(await read).toBeDefined()
  })
})

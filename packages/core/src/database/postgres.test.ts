import { sql } from 'kysely'
import { expect, onTestFinished, test, vi } from 'vitest'
import { describePostgres, quietLog, type TestStore } from '../testing/databases.ts'
import { idsOf, migrations, note, type NoteTables } from '../testing/notes.ts'
import { isStatementTimeout, openDatabase } from './index.ts'

describePostgres('the database', (store: TestStore) => {
  test('several replicas start at once: the schema is brought up to date once', async () => {
    const place = await store.place()
    let ran = 0
    const counted = {
      ...migrations,
      '2026-02-01-slow': {
        up: async () => {
          ran += 1
          await new Promise((resolve) => setTimeout(resolve, 50))
        },
      },
    }
    const replicas = await Promise.all(
      Array.from({ length: 4 }, () =>
        openDatabase<NoteTables>({ ...place, migrations: counted, log: quietLog }),
      ),
    )
    for (const replica of replicas) onTestFinished(() => replica.close())
    expect(ran).toBe(1)
    await replicas[0]?.write((trx) => trx.insertInto('notes').values(note('a')).execute())
    for (const replica of replicas) expect(await idsOf(replica)).toEqual(['a'])
  })

  test('a write that swallowed the error of a statement is not acknowledged: nothing of it is stored', async () => {
    const database = await store.open<NoteTables>(migrations)
    await database.write((trx) => trx.insertInto('notes').values(note('a')).execute())
    const swallowing = database.write(async (trx) => {
      await trx.insertInto('notes').values(note('b')).execute()
      const again = trx.insertInto('notes').values(note('a')).execute()
      await expect(again).rejects.toThrow(/unique/i)
    })
    await expect(swallowing).rejects.toMatchObject({ code: 'DATABASE_WRITE_ABORTED' })
    expect(await idsOf(database)).toEqual(['a'])
  })

  test('each schema has its own tables', async () => {
    const [one, other] = [
      await store.open<NoteTables>(migrations),
      await store.open<NoteTables>(migrations),
    ]
    await one.write((trx) => trx.insertInto('notes').values(note('a')).execute())
    expect(await idsOf(other)).toEqual([])
  })

  test('runs a write again when PostgreSQL ends it for a deadlock', async () => {
    const database = await store.open<NoteTables>(migrations)
    await database.write((trx) =>
      trx
        .insertInto('notes')
        .values([note('a'), note('b')])
        .execute(),
    )
    let runs = 0
    let meet: () => void = () => {}
    const bothHoldOne = new Promise<void>((resolve) => void (meet = resolve))
    const raise = ([first, second]: [string, string]) =>
      database.write(async (trx) => {
        const increment = (id: string) =>
          trx
            .updateTable('notes')
            .set((eb) => ({ count: sql<number>`${eb.ref('count')} + 1` }))
            .where('id', '=', id)
            .execute()
        await increment(first)
        runs += 1
        if (runs === 2) meet()
        await bothHoldOne
        await increment(second)
      })
    await Promise.all([raise(['a', 'b']), raise(['b', 'a'])])
    const rows = await database.kysely.selectFrom('notes').select('count').execute()
    expect(rows.map(({ count }) => count)).toEqual([2, 2])
    expect(runs).toBeGreaterThan(2)
  })

  test('forgets what was to happen after a commit that had to be run again', async () => {
    const database = await store.open<NoteTables>(migrations)
    let runs = 0
    const told: number[] = []
    await database.write(async (trx) => {
      runs += 1
      const run = runs
      database.afterCommit(trx, () => told.push(run))
      if (run < 3)
        await sql`do $$ begin raise exception 'again' using errcode = '40001'; end $$`.execute(trx)
    })
    expect(told).toEqual([3])
  })

  test('gives up on a write that can never be serialised', async () => {
    const database = await store.open<NoteTables>(migrations, { writeRetries: 2 })
    let runs = 0
    const write = database.write(async (trx) => {
      runs += 1
      await sql`do $$ begin raise exception 'again' using errcode = '40001'; end $$`.execute(trx)
    })
    await expect(write).rejects.toMatchObject({ code: '40001' })
    expect(runs).toBe(3)
  })

  test('a statement has a time limit, and says so', async () => {
    const database = await store.open<NoteTables>(migrations, { statementTimeoutMs: 100 })
    const slow = sql`select pg_sleep(5)`.execute(database.kysely)
    const error: unknown = await slow.catch((reason: unknown) => reason)
    expect(isStatementTimeout(error)).toBe(true)
  })

  test('an index whose making was broken off is made anew', async () => {
    const database = await store.open<NoteTables>(migrations)
    await database.write((trx) =>
      trx
        .insertInto('notes')
        .values([note('a'), note('b')])
        .execute(),
    )
    const unique = sql`create unique index concurrently notes_count on notes (count)`
    await expect(unique.execute(database.kysely)).rejects.toThrow(/could not create unique index/u)
    const valid = () =>
      sql`select 1 from pg_index where indexrelid = 'notes_count'::regclass and indisvalid`.execute(
        database.kysely,
      )
    expect((await valid()).rows).toHaveLength(0)

    await database.buildIndex('notes_count', sql`on notes (count)`)

    expect((await valid()).rows).toHaveLength(1)
  })

  test('a server that is not there: unavailable at once, without its address', async () => {
    const place = await store.place()
    const opening = openDatabase({
      ...place,
      url: 'postgres://potok@127.0.0.1:1/postgres',
      migrations,
      log: quietLog,
    })
    await expect(opening).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      statusCode: 503,
      message: expect.not.stringContaining('127.0.0.1'),
    })
  })

  test('a server that never answers: unavailable after the connection timeout', async () => {
    const database = await store.open<NoteTables>(migrations, {
      poolSize: 1,
      // Its first connection is made under the same limit, and on a busy machine that takes its time.
      connectTimeoutMs: 2000,
    })
    const holding = database.kysely.connection().execute(async () => {
      await expect(database.ping()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    })
    await holding
    expect(await database.ping()).toBeGreaterThan(0)
  })

  test.each(['shutDown', 'kill'] as const)(
    'answers unavailable after %s of the server and is back with it; nothing acknowledged is lost',
    async (end) => {
      const database = await store.open<NoteTables>(migrations)
      const stored: string[] = []
      const write = async (id: string): Promise<void> => {
        await database.write((trx) => trx.insertInto('notes').values(note(id)).execute())
        stored.push(id)
      }
      await Promise.all(['a', 'b', 'c', 'd'].map(write))
      const open = database.kysely.transaction().execute(async (trx) => {
        await trx.selectFrom('notes').select('id').execute()
        await store.server()[end]()
        await trx.selectFrom('notes').select('id').execute()
      })
      await expect(open).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
      await expect(write('e')).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
      await expect(idsOf(database)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
      await store.server().start()
      await vi.waitFor(() => write('f'), 5000)
      expect(await idsOf(database)).toEqual(stored.toSorted())
    },
  )
})

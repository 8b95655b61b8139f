import { sql } from 'kysely'
import { expect, onTestFinished, test, vi } from 'vitest'
import { describeDatabases, quietLog } from '../testing/databases.ts'
import { idsOf as ids, migrations, note, type NoteTables as Tables } from '../testing/notes.ts'
import { isUniqueViolation, openDatabase, type Migration } from './index.ts'

describeDatabases('the database', (store) => {
  const open = (options = {}) => store.open<Tables>(migrations, options)

  test('stores what a write did, and a read sees it at once', async () => {
    const database = await open()
    const answer = await database.write(async (trx) => {
      await trx.insertInto('notes').values(note('a', 7)).execute()
      return trx.selectFrom('notes').select(['id', 'count']).executeTakeFirst()
    })
    expect(answer).toEqual({ id: 'a', count: 7 })
    expect(await ids(database)).toEqual(['a'])
  })

  test('stores nothing of a write that fails, and rejects with its error', async () => {
    const database = await open()
    const failing = database.write(async (trx) => {
      await trx.insertInto('notes').values(note('a')).execute()
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    expect(await ids(database)).toEqual([])
  })

  test('keeps writes that arrive together apart: one fails, the others are stored', async () => {
    const database = await open()
    const results = await Promise.allSettled(
      ['a', 'b', 'a', 'c'].map((id) =>
        database.write((trx) => trx.insertInto('notes').values(note(id)).execute()),
      ),
    )
    const failures = results.filter((result) => result.status === 'rejected')
    expect(failures.map(({ reason }) => isUniqueViolation(reason))).toEqual([true])
    expect(await ids(database)).toEqual(['a', 'b', 'c'])
  })

  test('runs what is to happen after the commit only after it, and not after a rollback', async () => {
    const database = await open()
    const seen: string[] = []
    await database.write(async (trx) => {
      database.afterCommit(trx, () => seen.push('committed'))
      database.afterCommit(database.as<Tables>().transaction(trx), () => seen.push('by the view'))
      await trx.insertInto('notes').values(note('a')).execute()
      seen.push('worked')
    })
    const failing = database.write(async (trx) => {
      database.afterCommit(trx, () => seen.push('never'))
      await trx.insertInto('notes').values(note('a')).execute()
    })
    await expect(failing).rejects.toThrow(/unique/i)
    expect(seen).toEqual(['worked', 'committed', 'by the view'])
  })

  test('an error after the commit is logged and fails no write', async () => {
    const error = vi.fn<(fields: object, message: string) => void>()
    const database = await open({ log: { ...quietLog, error } })
    await database.write(async (trx) => {
      database.afterCommit(trx, () => {
        throw new Error('nobody listens')
      })
    })
    await vi.waitFor(() => expect(error).toHaveBeenCalledOnce())
  })

  test('concurrent increments lose nothing', async () => {
    const database = await open()
    await database.write((trx) => trx.insertInto('notes').values(note('a')).execute())
    await Promise.all(
      Array.from({ length: 200 }, () =>
        database.write(async (trx) => {
          const { count } = await trx
            .selectFrom('notes')
            .select('count')
            .where('id', '=', 'a')
            .$if(store.dialect === 'postgres', (query) => query.forUpdate())
            .executeTakeFirstOrThrow()
          await trx
            .updateTable('notes')
            .set({ count: count + 1 })
            .where('id', '=', 'a')
            .execute()
        }),
      ),
    )
    const { count } = await database.kysely
      .selectFrom('notes')
      .select('count')
      .executeTakeFirstOrThrow()
    expect(count).toBe(200)
  })

  test('tells the time in milliseconds, by a clock that a test can shift, in compiled statements too', async () => {
    let lead = 0
    const database = await open({ clockOffsetMs: () => lead })
    const read = database.statement<object>()(
      () => sql<{ at: number }>`select ${database.now()} as at`,
    )
    const at = async (): Promise<number> => {
      const [row] = (await read({})).rows
      return row?.at ?? Number.NaN
    }
    expect(Math.abs((await at()) - Date.now())).toBeLessThan(1000)
    database.setClockOffset(3_600_000)
    expect(Math.abs((await at()) - Date.now() - 3_600_000)).toBeLessThan(1000)
    lead = -7_200_000
    expect(Math.abs((await at()) - Date.now() + 3_600_000)).toBeLessThan(1000)
    expect(Number.isInteger(await at())).toBe(true)
  })

  test('the clock goes on inside a transaction', async () => {
    const database = await open()
    const [first, second] = await database.write(async (trx) => {
      const read = async (): Promise<number> =>
        (await trx.selectNoFrom(database.now().as('at')).executeTakeFirstOrThrow()).at
      const from = await read()
      let to = from
      for (let tries = 0; tries < 100_000 && to === from; tries += 1) to = await read()
      return [from, to]
    })
    expect(second).toBeGreaterThan(first ?? 0)
  })

  const body = {
    title: 'Подготовить отчёт ⏰ "кавычки" \\ \n',
    nested: { list: [1, 2.5, null, true], 'dotted.name': { 'with "quotes"': 'x' } },
    count: 42,
    price: 0.1,
    done: false,
    nothing: null,
    big: 1_795_296_502_808,
  }

  test('JSON comes back as it went in', async () => {
    const database = await open()
    await database.write((trx) =>
      trx
        .insertInto('notes')
        .values({ ...note('a'), body: database.json(body) })
        .execute(),
    )
    const row = await database.kysely.selectFrom('notes').select('body').executeTakeFirstOrThrow()
    expect(JSON.parse(row.body)).toEqual(body)
  })

  test('reads values by their path in JSON, as text and as numbers', async () => {
    const database = await open()
    await database.write((trx) =>
      trx
        .insertInto('notes')
        .values({ ...note('a'), body: database.json(body) })
        .execute(),
    )
    const textOf = async (...path: string[]) =>
      database.kysely
        .selectFrom('notes')
        .select((eb) => [
          database.jsonText(eb.ref('body'), path).as('text'),
          database.jsonNumber(eb.ref('body'), path).as('number'),
        ])
        .executeTakeFirstOrThrow()
    expect(await textOf('title')).toEqual({ text: body.title, number: null })
    expect(await textOf('count')).toEqual({ text: '42', number: 42 })
    expect(await textOf('price')).toEqual({ text: '0.1', number: 0.1 })
    expect(await textOf('big')).toEqual({ text: '1795296502808', number: 1_795_296_502_808 })
    expect(await textOf('done')).toEqual({ text: 'false', number: null })
    expect(await textOf('nothing')).toEqual({ text: null, number: null })
    expect(await textOf('absent', 'deeper')).toEqual({ text: null, number: null })
    expect(await textOf('nested', 'dotted.name', 'with "quotes"')).toEqual({
      text: 'x',
      number: null,
    })
    const { text } = await textOf('nested', 'list')
    expect(JSON.parse(text ?? '')).toEqual([1, 2.5, null, true])
  })

  test('flags are stored as 0 and 1, counts and sums are numbers', async () => {
    const database = await open()
    await database.write((trx) =>
      trx
        .insertInto('notes')
        .values([
          { ...note('a', 2 ** 53 - 1), flag: true },
          { ...note('b', -(2 ** 53) + 2), flag: false },
        ])
        .execute(),
    )
    const row = await database.kysely
      .selectFrom('notes')
      .select((eb) => [
        eb.fn.countAll<number>().as('rows'),
        eb.fn.sum<number>('flag').as('flags'),
        eb.fn.max('count').as('most'),
        eb.fn.sum<number>('count').as('sum'),
      ])
      .executeTakeFirst()
    expect(row).toEqual({ rows: 2, flags: 1, most: 2 ** 53 - 1, sum: 1 })
  })

  test('whole numbers are whole numbers: none becomes 5.0 in a text', async () => {
    const database = await open()
    await database.write((trx) =>
      trx
        .insertInto('notes')
        .values({ ...note('a', 5), body: database.json({ n: 5 }) })
        .execute(),
    )
    const row = await database.kysely
      .selectFrom('notes')
      .select((eb) => [
        sql<string>`cast(cast(${5} as integer) as text)`.as('given'),
        sql<string>`cast(${eb.ref('count')} as text)`.as('stored'),
        sql<string>`cast(${eb.ref('count')} + ${5} as text)`.as('sum'),
        database.jsonText(eb.ref('body'), ['n']).as('json'),
      ])
      .executeTakeFirst()
    expect(row).toEqual({ given: '5', stored: '5', sum: '10', json: '5' })
  })

  test('a list of values goes into a query as one parameter', async () => {
    const database = await open()
    const pair = database.statement<{ given: string }>()(
      (slot) => sql<{ id: string; at: number | null }>`
        select g.id, g.at from ${database.rows(slot('given'), { id: 'text', at: 'bigint' })} as g order by g.id`,
    )
    const given = [
      { id: 'a', at: 1_795_296_502_808 },
      { id: 'ж "\'', at: null },
    ]
    expect((await pair({ given: JSON.stringify(given) })).rows).toEqual(given)
    expect((await pair({ given: '[]' })).rows).toEqual([])
  })

  test('a compiled statement writes inside the transaction it is given', async () => {
    const database = await open()
    const insert = database.statement<{ id: string; count: number }>()((slot) =>
      database.kysely
        .insertInto('notes')
        .values({ ...note(''), id: slot('id'), count: slot('count') }),
    )
    const failing = database.write(async (trx) => {
      await insert({ id: 'a', count: 1 }, trx)
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    await database.write((trx) => insert({ id: 'b', count: 2 }, trx))
    expect(await ids(database)).toEqual(['b'])
  })

  test('refuses a query through a transaction that is over', async () => {
    const database = await open()
    const trx = await database.write(async (given) => given)
    await expect(trx.selectFrom('notes').selectAll().execute()).rejects.toMatchObject({
      code: 'DATABASE_TRANSACTION_OVER',
    })
  })

  test('rolls back a write that awaits something else for too long, and goes on', async () => {
    const database = await open({ writeTimeoutMs: 100 })
    const stuck = database.write(async (trx) => {
      await trx.insertInto('notes').values(note('a')).execute()
      await new Promise(() => {})
    })
    const behind = database.write((trx) => trx.insertInto('notes').values(note('b')).execute())
    await expect(stuck).rejects.toMatchObject({ code: 'DATABASE_WRITE_TIMEOUT', statusCode: 503 })
    await behind
    expect(await ids(database)).toEqual(['b'])
  })

  test('migrations have a limit of their own, beside those of writes and statements', async () => {
    const slow: Record<string, Migration> = {
      ...migrations,
      '2026-02-01-slow': {
        up: async (db, { dialect }) => {
          if (dialect === 'postgres') await sql`select pg_sleep(0.3)`.execute(db)
          else await new Promise((resolve) => setTimeout(resolve, 300))
        },
      },
    }
    const limits = { writeTimeoutMs: 100, statementTimeoutMs: 100 }

    const database = await store.open<Tables>(slow, limits)
    const tooSlow = store.open<Tables>(slow, { ...limits, migrationTimeoutMs: 150 })

    await expect(tooSlow).rejects.toThrow(/timeout|took longer than/u)
    expect(await ids(database)).toEqual([])
  })

  test('makes an index once, whoever asks for it at the same time', async () => {
    const database = await open()
    await database.write((trx) => trx.insertInto('notes').values(note('a')).execute())

    await Promise.all(
      Array.from({ length: 3 }, () => database.buildIndex('notes_count', sql`on notes (count)`)),
    )
    await database.buildIndex('notes_count', sql`on notes (count)`)

    const again = database.write((trx) => sql`create index notes_count on notes (id)`.execute(trx))
    await expect(again).rejects.toThrow(/already exists/u)
  })

  test('refuses more writes than may wait', async () => {
    const database = await open({ pendingLimit: 2, poolSize: 1 })
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) =>
        database.write((trx) =>
          trx
            .insertInto('notes')
            .values(note(String(n)))
            .execute(),
        ),
      ),
    )
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]?.reason).toMatchObject({ code: 'DATABASE_UNAVAILABLE', statusCode: 503 })
    expect(await ids(database)).toHaveLength(8 - refused.length)
  })

  test('reads one snapshot in a transaction of the reader', async () => {
    const database = await open()
    const counts = await database.kysely.transaction().execute(async (trx) => {
      const count = async () => (await trx.selectFrom('notes').select('id').execute()).length
      const before = await count()
      await database.write((writing) => writing.insertInto('notes').values(note('a')).execute())
      return [before, await count()]
    })
    expect(counts).toEqual([0, 0])
    expect(await ids(database)).toEqual(['a'])
  })

  test('a migration runs once, one that sorts before those that ran too', async () => {
    const place = await store.place()
    const ran: string[] = []
    const counted = (name: string): Record<string, Migration> => ({
      [name]: { up: async () => void ran.push(name) },
    })
    for (const set of [counted('b'), counted('b'), { ...counted('c'), ...counted('a') }]) {
      const database = await openDatabase({ ...place, migrations: set, log: quietLog })
      await database.close()
    }
    expect(ran).toEqual(['b', 'a', 'c'])
  })

  test('a migration that fails leaves nothing, and the start fails with its error', async () => {
    const place = await store.place()
    const failing: Record<string, Migration> = {
      ...migrations,
      '2026-02-01-broken': {
        up: () => Promise.reject(new Error('broken migration')),
      },
    }
    const opening = openDatabase({ ...place, migrations: failing, log: quietLog })
    await expect(opening).rejects.toThrow('broken migration')
    const database = await openDatabase<Tables>({ ...place, migrations, log: quietLog })
    onTestFinished(() => database.close())
    expect(await ids(database)).toEqual([])
  })

  test('tells how long a query takes, and fails when it is closed', async () => {
    const database = await open()
    expect(await database.ping()).toBeGreaterThan(0)
    await database.close()
    await expect(database.ping()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    await expect(database.write(async () => {})).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
    })
  })

  test('waits for accepted writes when it closes', async () => {
    const place = await store.place()
    const database = await openDatabase<Tables>({ ...place, migrations, log: quietLog })
    const write = database.write((trx) => trx.insertInto('notes').values(note('a')).execute())
    await database.close()
    await write
    const again = await openDatabase<Tables>({ ...place, migrations, log: quietLog })
    onTestFinished(() => again.close())
    expect(await ids(again)).toEqual(['a'])
  })
})

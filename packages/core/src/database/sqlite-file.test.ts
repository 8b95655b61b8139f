import { dirname, join } from 'node:path'
import { sql } from 'kysely'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { describeSqlite, quietLog, type TestStore } from '../testing/databases.ts'
import { idsOf, migrations, note, type NoteTables } from '../testing/notes.ts'
import { buildCore, startScript, type ScriptProcess } from '../testing/script-process.ts'
import { openDatabase, type DatabaseOptions } from './index.ts'
import { loadSqlite } from './sqlite-module.ts'

/** Another process that holds the file and stores notes 16 at once, one line for each that is acknowledged. */
const WRITER = `
  import { writeSync } from 'node:fs'
  import { openDatabase } from '@potok/core/database'
  import { migrations, note } from '@potok/core/testing/notes'
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const database = await openDatabase({ file: process.argv[1], schema: 'x', migrations, log })
  writeSync(1, 'open\\n')
  const store = async (line) => {
    for (let n = 0; ; n += 1) {
      const id = process.argv[2] + '-' + line + '-' + n
      await database.write((trx) => trx.insertInto('notes').values(note(id)).execute())
      writeSync(1, id + '\\n')
    }
  }
  for (let line = 0; line < 16; line += 1) store(line)`

async function writerOn(file: string, name = 'w'): Promise<ScriptProcess> {
  const writer = startScript(WRITER, [file, name])
  onTestFinished(() => writer.kill())
  const { value } = await writer.lines.next()
  expect(value).toBe('open')
  return writer
}

describeSqlite('the embedded database', (store: TestStore) => {
  beforeAll(buildCore)

  const reopen = async (place: Pick<DatabaseOptions, 'file' | 'schema' | 'lockWaitMs'>) => {
    const database = await openDatabase<NoteTables>({ ...place, migrations, log: quietLog })
    onTestFinished(() => database.close())
    return database
  }

  test('a long write lets others have their turn, who see nothing of it before its end', async () => {
    const database = await store.open<NoteTables>(migrations)
    const seen: string[][] = []
    const turns: string[] = []
    const long = database.write(async (trx) => {
      await trx.insertInto('notes').values(note('a')).execute()
      const look = idsOf(database).then((found) => seen.push(found))
      setImmediate(() => turns.push('turn'))
      await database.breathe()
      await trx.insertInto('notes').values(note('b')).execute()
      await look
      turns.push('end')
    })
    const behind = database.write((trx) => trx.insertInto('notes').values(note('c')).execute())

    await Promise.all([long, behind])

    expect(seen).toEqual([[]])
    expect(turns).toEqual(['turn', 'end'])
    expect(await idsOf(database)).toEqual(['a', 'b', 'c'])
  })

  test('writes that arrive together share one commit', async () => {
    const database = await store.open<NoteTables>(migrations, { groupMs: 10_000 })
    const before = database.stats()
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        database.write((trx) =>
          trx
            .insertInto('notes')
            .values(note(String(n)))
            .execute(),
        ),
      ),
    )
    const { commits, writes } = database.stats()
    expect(writes - before.writes).toBe(50)
    expect(commits - before.commits).toBe(1)
  })

  test('a group has a bound', async () => {
    const options = { groupLimit: 10, groupMs: 10_000 }
    const database = await store.open<NoteTables>(migrations, options)
    const before = database.stats()
    await Promise.all(
      Array.from({ length: 95 }, (_, n) =>
        database.write((trx) =>
          trx
            .insertInto('notes')
            .values(note(String(n)))
            .execute(),
        ),
      ),
    )
    expect(database.stats().commits - before.commits).toBe(10)
    expect(await idsOf(database)).toHaveLength(95)
  })

  test('when the commit fails all of its group are told, and the next group is stored', async () => {
    const database = await store.open<NoteTables>({
      ...migrations,
      '2026-02-01-deferred': {
        up: async (db) => {
          await sql`create table leaves (id text references notes (id) deferrable initially deferred)`.execute(
            db,
          )
        },
      },
    })
    const told: string[] = []
    const results = await Promise.allSettled([
      database.write(async (trx) => {
        database.afterCommit(trx, () => told.push('a'))
        await trx.insertInto('notes').values(note('a')).execute()
      }),
      database.write((trx) => sql`insert into leaves values ('nowhere')`.execute(trx)),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(told).toEqual([])
    await database.write((trx) => trx.insertInto('notes').values(note('b')).execute())
    expect(await idsOf(database)).toEqual(['b'])
  })

  test('a write that swallowed the error of a statement is stored without that statement', async () => {
    const database = await store.open<NoteTables>(migrations)
    await database.write((trx) => trx.insertInto('notes').values(note('a')).execute())
    const swallowing = database.write(async (trx) => {
      await trx.insertInto('notes').values(note('b')).execute()
      const again = trx.insertInto('notes').values(note('a')).execute()
      await expect(again).rejects.toThrow(/unique/i)
    })
    await swallowing
    expect(await idsOf(database)).toEqual(['a', 'b'])
  })

  test('the reader cannot write', async () => {
    const database = await store.open<NoteTables>(migrations)
    const writing = database.kysely.insertInto('notes').values(note('a')).execute()
    await expect(writing).rejects.toThrow(/readonly/)
  })

  test('goes on reading singly while four snapshots and a stream are kept', async () => {
    const database = await store.open<NoteTables>(migrations)
    await database.write((trx) =>
      trx
        .insertInto('notes')
        .values(['a', 'b', 'c'].map((id) => note(id)))
        .execute(),
    )
    const streamed: string[] = []
    for await (const { id } of database.kysely.selectFrom('notes').select('id').stream()) {
      streamed.push(id)
      await database.write((trx) =>
        trx
          .insertInto('notes')
          .values(note(`${id}-copy`))
          .execute(),
      )
    }
    expect(streamed).toEqual(['a', 'b', 'c'])
    const kept = await Promise.all(
      Array.from({ length: 6 }, () =>
        database.kysely.transaction().execute(async (trx) => {
          await idsOf(database)
          return trx.selectFrom('notes').select('id').execute()
        }),
      ),
    )
    expect(kept.map((rows) => rows.length)).toEqual([6, 6, 6, 6, 6, 6])
  })

  test('makes its directory', async () => {
    const { file, schema } = await store.place()
    const database = await reopen({ file: join(dirname(file), 'not/yet/there.db'), schema })
    expect(await idsOf(database)).toEqual([])
  })

  test('a second process on the same file is refused, and told which file and which variable', async () => {
    const place = await store.place()
    const writer = await writerOn(place.file)
    await expect(reopen({ ...place, lockWaitMs: 100 })).rejects.toMatchObject({
      code: 'DATABASE_IN_USE',
      message: expect.stringMatching(`${place.file}.*POTOK_DATA_DIR`),
    })
    await writer.kill()
    const database = await reopen(place)
    expect(await database.ping()).toBeGreaterThan(0)
  })

  test('so is a second user in the same process', async () => {
    const place = await store.place()
    await reopen(place)
    const second = openDatabase({ ...place, migrations, log: quietLog, lockWaitMs: 0 })
    await expect(second).rejects.toMatchObject({ code: 'DATABASE_IN_USE' })
  })

  test('others may read while it is written: a backup is whole', async () => {
    const place = await store.place()
    const writer = await writerOn(place.file)
    for (let line = 0; line < 100; line += 1) await writer.lines.next()
    const { DatabaseSync } = await loadSqlite()
    const reader = new DatabaseSync(place.file, { readOnly: true })
    onTestFinished(() => reader.close())
    const backup = join(dirname(place.file), 'backup.db')
    const copying = new DatabaseSync(place.file)
    copying.exec(`vacuum into '${backup}'`)
    copying.close()
    expect(reader.prepare('select count(*) as n from notes').get()).toHaveProperty('n')
    await writer.kill()
    const restored = await reopen({ file: backup, schema: 'x' })
    expect((await idsOf(restored)).length).toBeGreaterThanOrEqual(100)
  })

  test('what was acknowledged survives kill -9', { timeout: 60_000 }, async () => {
    const place = await store.place()
    const acknowledged: string[] = []
    for (const round of ['r1', 'r2', 'r3', 'r4', 'r5']) {
      const writer = await writerOn(place.file, round)
      for (let line = 0; line < 300; line += 1) {
        const { value } = await writer.lines.next()
        acknowledged.push(String(value))
      }
      await writer.kill()
      for await (const line of writer.lines) acknowledged.push(line)
    }
    const database = await reopen(place)
    const stored = new Set(await idsOf(database))
    expect(acknowledged.length).toBeGreaterThanOrEqual(1500)
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([])
    const [check] = (
      await sql<{ integrity_check: string }>`pragma integrity_check`.execute(database.kysely)
    ).rows
    expect(check?.integrity_check).toBe('ok')
  })

  test('what writes waits for the disk: a commit that only the page cache has is none', async () => {
    const database = await store.open<NoteTables>(migrations)

    const pragmas = await database.write(async (trx) => ({
      synchronous: (await sql<{ synchronous: number }>`pragma synchronous`.execute(trx)).rows,
      journal: (await sql<{ journal_mode: string }>`pragma journal_mode`.execute(trx)).rows,
    }))

    expect(pragmas).toEqual({
      synchronous: [{ synchronous: 2 }],
      journal: [{ journal_mode: 'wal' }],
    })
  })
})

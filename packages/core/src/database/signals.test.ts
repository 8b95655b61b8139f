import { sql } from 'kysely'
import { expect, test, vi } from 'vitest'
import { describePostgres, describeSqlite, quietLog } from '../testing/databases.ts'
import { openDatabase } from './index.ts'

const slowly = { timeout: 10_000 }

describePostgres('signals', (store) => {
  test('what one process raises the others hear, and itself not', async () => {
    const place = await store.place()
    const open = () => openDatabase({ ...place, migrations: {}, log: quietLog })
    const [one, two] = [await open(), await open()]
    const [mine, theirs, other] = [vi.fn<() => void>(), vi.fn<() => void>(), vi.fn<() => void>()]
    one.signals.on('events', mine)
    two.signals.on('events', theirs)
    two.signals.on('other', other)
    // Listening begins with a look, for what was missed.
    await vi.waitFor(() => expect(mine).toHaveBeenCalledTimes(1), slowly)
    await vi.waitFor(() => expect(theirs).toHaveBeenCalledTimes(1), slowly)
    other.mockClear()

    for (let count = 0; count < 50; count += 1) one.signals.raise('events')

    await vi.waitFor(() => expect(theirs).toHaveBeenCalledTimes(2), slowly)
    expect(mine).toHaveBeenCalledTimes(1)
    expect(other).not.toHaveBeenCalled()
    await Promise.all([one.close(), two.close()])
  })

  test('a listener whose connection is ended listens again and looks', async () => {
    const place = await store.place()
    const open = () => openDatabase({ ...place, migrations: {}, log: quietLog })
    const [one, two] = [await open(), await open()]
    const heard = vi.fn<() => void>()
    two.signals.on('events', heard)
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(1), slowly)

    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = ${`potok-${place.schema}-signals`}`.execute(one.kysely)

    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(2), slowly)
    one.signals.raise('events')
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(3), slowly)
    await Promise.all([one.close(), two.close()])
  })
})

describeSqlite('signals', (store) => {
  test('there is nobody to tell', async () => {
    const database = await store.open({})
    const heard = vi.fn<() => void>()
    const stop = database.signals.on('events', heard)

    database.signals.raise('events')
    stop()

    expect(heard).not.toHaveBeenCalled()
  })
})

import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { describeDatabases, describePostgres, type TestStore } from '@potok/core/testing/databases'
import { createEventParser, follow, versionsOf, type Message } from '../testing/event-stream.ts'
import { patience } from '../testing/patience.ts'
import { createService, key } from '../testing/service.ts'
import { change } from '../testing/webhook-service.ts'
import events from './index.ts'

type Place = Awaited<ReturnType<TestStore['place']>>

async function listen(place: Place) {
  const { app } = await createService({ place })
  await app.register(events, { retentionDays: 30, maxStreams: 16, pollMs: 20 })
  const base = await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, base }
}

type App = Awaited<ReturnType<typeof listen>>['app']

const WRITERS = 16
const EACH = 150

/** Every writer changes an entity of its own, version after version, with pauses inside some transactions. */
async function write(app: App, writer: number): Promise<void> {
  for (let version = 1; version <= EACH; version += 1) {
    await app.store.write(async (trx) => {
      // Commits out of the order of insertion are what makes plain ids unsafe.
      if (app.store.dialect === 'postgres' && version % 5 === writer % 5) {
        await sql`select pg_sleep(0.003)`.execute(trx)
      }
      await app.events.append(trx, [change(`w${writer}`, version)])
      if (app.store.dialect === 'postgres' && version % 7 === writer % 7) {
        await sql`select pg_sleep(0.003)`.execute(trx)
      }
    })
  }
}

/** Follows with cuts, each after a few messages and in the middle of whatever is under way. */
async function followWithCuts(bases: readonly string[], until: number): Promise<Message[]> {
  const messages: Message[] = []
  let lastEventId = ''
  for (let connection = 0; messages.length < until; connection += 1) {
    const base = bases[connection % bases.length] ?? ''
    const { body } = await request(`${base}/api/v1/events/stream`, {
      headers: { ...key, ...(lastEventId === '' ? {} : { 'last-event-id': lastEventId }) },
    })
    const parser = createEventParser((message) => messages.push(message))
    const enough = messages.length + 40 + ((connection * 37) % 200)
    for await (const chunk of body) {
      parser.push(String(chunk))
      if (parser.state.lastEventId !== '') lastEventId = parser.state.lastEventId
      if (messages.length >= Math.min(enough, until)) break
    }
    body.destroy()
  }
  return messages
}

function suite(store: TestStore): void {
  test('a stream that is cut again and again under concurrent writers misses nothing and repeats nothing', async () => {
    const place = await store.place()
    // Two replicas over one PostgreSQL; SQLite has one process.
    const one = await listen(place)
    const two = store.dialect === 'postgres' ? await listen(place) : one
    const following = followWithCuts([one.base, two.base], WRITERS * EACH)
    await pause(100)

    await Promise.all(
      Array.from({ length: WRITERS }, (_, writer) =>
        write(writer % 2 === 0 ? one.app : two.app, writer),
      ),
    )
    const messages = await following

    const positions = messages.map(({ id }) => Number(id.split('.')[1]))
    expect(positions).toEqual(positions.map((_, index) => index + 1))
    expect(messages.some(({ event }) => event === 'reset')).toBe(false)
    for (let writer = 0; writer < WRITERS; writer += 1) {
      const own = versionsOf(messages).filter((version) => version.startsWith(`w${writer}/`))
      expect(own).toEqual(Array.from({ length: EACH }, (_, index) => `w${writer}/${index + 1}`))
    }
  }, 120_000)
}

describeDatabases('the stream', suite)

describeDatabases('the log', (store) => {
  test('is read, and a stream of it opened, however long others go on writing', async () => {
    const { app, base } = await listen(await store.place())
    const enough = new AbortController()
    onTestFinished(() => enough.abort())
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let version = 1; !enough.signal.aborted; version += 1) {
        await app.store.write((trx) => app.events.append(trx, [change(`w${writer}`, version)]))
      }
    })

    const page = await request(`${base}/api/v1/events`, { headers: key })
    const stream = await follow(base)
    await expect.poll(() => stream.messages.length, patience).toBeGreaterThan(0)
    enough.abort()
    await Promise.all(writers)

    expect(page.statusCode).toBe(200)
    await page.body.dump()
  })
})

describePostgres('the sequencer', (store) => {
  test('what a process committed and did not live to give a position gets one from another', async () => {
    const place = await store.place()
    const { app, base } = await listen(place)
    const stream = await follow(base)
    // As a killed process leaves it: committed, and nobody told.
    await app.store.write(async (trx) => {
      await sql`insert into event_log (id, event, timestamp_ms, correlation_id, body)
        values ('evt_1', 'custom.event', 1, 'c', '{"id":"evt_1","event":"custom.event"}')`.execute(
        trx,
      )
    })

    await expect.poll(() => stream.messages.map(({ data }) => data.id), patience).toEqual(['evt_1'])
  })

  test('after a backup is put back under the running service its readers get reset, not silence', async () => {
    const place = await store.place()
    const { app, base } = await listen(place)
    const raise = (version: number) =>
      app.store.write((trx) => app.events.append(trx, [change('t1', version)]))
    const stream = await follow(base)
    await raise(1)
    await app.store.write(async (trx) => {
      for (const table of ['event_log', 'event_log_head', 'event_epochs']) {
        await sql`create table ${sql.id(`old_${table}`)} as table ${sql.id(table)}`.execute(trx)
      }
    })
    await raise(2)
    await raise(3)
    await expect.poll(() => versionsOf(stream.messages), patience).toHaveLength(3)
    const cursor = stream.state.lastEventId
    stream.cut()

    await app.store.write(async (trx) => {
      for (const table of ['event_log', 'event_log_head', 'event_epochs']) {
        await sql`truncate ${sql.id(table)}`.execute(trx)
        await sql`insert into ${sql.id(table)} select * from ${sql.id(`old_${table}`)}`.execute(trx)
      }
    })
    const connected = await follow(base)
    for (let version = 2; version <= 6; version += 1) await raise(version)
    const resumed = await follow(base, { lastEventId: cursor })

    await expect.poll(() => resumed.messages.map(({ event }) => event), patience).toEqual(['reset'])
    await expect.poll(() => versionsOf(connected.messages), patience).toHaveLength(5)
    await raise(7)
    await expect.poll(() => versionsOf(resumed.messages), patience).toEqual(['t1/7'])
  })

  test('a reader that stays connected while a backup is put back gets reset as well', async () => {
    const place = await store.place()
    const { app, base } = await listen(place)
    const raise = (version: number) =>
      app.store.write((trx) => app.events.append(trx, [change('t1', version)]))
    const stream = await follow(base)
    await raise(1)
    await raise(2)
    await expect.poll(() => versionsOf(stream.messages), patience).toHaveLength(2)

    // Dropped and made again, as pg_restore --clean does: another table of the same name.
    await app.store.write(async (trx) => {
      await sql`create table restored (like event_log_head including all)`.execute(trx)
      await sql`insert into restored select * from event_log_head`.execute(trx)
      await sql`drop table event_log_head`.execute(trx)
      await sql`alter table restored rename to event_log_head`.execute(trx)
      await sql`update event_log_head set head = 1`.execute(trx)
      await sql`delete from event_log where position > 1`.execute(trx)
    })

    await expect
      .poll(() => stream.messages.map(({ event }) => event), patience)
      .toEqual(['entity.created', 'entity.updated', 'reset'])
    await raise(2)
    await expect.poll(() => stream.messages.at(-1)?.data.data?.version, patience).toBe(2)
  })
})

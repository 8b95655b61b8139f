import { cp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { describeDatabases, describeSqlite, type TestStore } from '@potok/core/testing/databases'
import { patience } from '../testing/patience.ts'
import { follow, versionsOf, type Message } from '../testing/event-stream.ts'
import { createService, key, temporaryDirectory, type ServiceOptions } from '../testing/service.ts'
import { callerOf } from '../testing/state-service.ts'
import { change } from '../testing/webhook-service.ts'
import events, { type EventsOptions, type NewEvent } from './index.ts'

interface Options extends ServiceOptions {
  events?: Partial<EventsOptions>
}

async function listen(options: Options = {}) {
  const { app } = await createService(options)
  await app.register(events, { retentionDays: 30, maxStreams: 4, pollMs: 50, ...options.events })
  const base = await app.listen({ port: 0, host: '127.0.0.1' })
  const append = (...given: NewEvent[]) => app.store.write((trx) => app.events.append(trx, given))
  return { app, base, append, call: callerOf(app) }
}

function suite(store: TestStore): void {
  const build = async (options: Partial<EventsOptions> = {}) =>
    listen({ place: await store.place(), events: options })

  test('what is appended is read from the log in order, with a cursor to go on from', async () => {
    const { app, append } = await build()
    await append(change('t1', 1, { metadata: { title: 'Отчёт 1' } }), change('t2', 1))
    await append(change('t1', 2))

    const first = await app.inject({ url: '/api/v1/events?limit=2', headers: key })
    const second = await app.inject({
      url: `/api/v1/events?after=${first.json().nextCursor}`,
      headers: key,
    })

    expect(first.json().items).toHaveLength(2)
    expect(first.json().items[0]).toMatchObject({
      id: expect.stringMatching(/^evt_[0-9a-f]{28}$/u) as string,
      event: 'entity.created',
      timestamp: '2023-11-14T22:13:20.001Z',
      data: { entity: 'task', id: 't1', version: 1, metadata: { title: 'Отчёт 1' } },
      cursor: expect.stringMatching(/^[0-9a-f]{12}\.1$/u) as string,
    })
    expect(second.json().items).toMatchObject([{ data: { id: 't1', version: 2 } }])
    expect(second.json().items[0].cursor).toBe(second.json().nextCursor)
  })

  test('an append that is rolled back leaves neither an event nor a gap', async () => {
    const { app, append } = await build()
    await append(change('t1', 1))
    await expect(
      app.store.write(async (trx) => {
        await app.events.append(trx, [change('t2', 1)])
        throw new Error('refused')
      }),
    ).rejects.toThrow('refused')
    await append(change('t3', 1))

    const { items } = (await app.inject({ url: '/api/v1/events', headers: key })).json()

    expect(items.map((item: Message & { cursor: string }) => item.cursor.split('.')[1])).toEqual([
      '1',
      '2',
    ])
  })

  test('participants write in the transaction of the events', async () => {
    const { app, append } = await build()
    const told: string[] = []
    app.events.participate(async (_trx, stored) => {
      told.push(...stored.map(({ body }) => body))
      if (told.length > 1) throw new Error('no room')
    })
    const [stored] = await append(change('t1', 1))

    await expect(append(change('t2', 1))).rejects.toThrow('no room')

    expect(told[0]).toBe(stored?.body)
    const log = (await app.inject({ url: '/api/v1/events', headers: key })).json()
    expect(log.items).toHaveLength(1)
  })

  test('a custom event is published and stands in the log as it was answered', async () => {
    const { app } = await build()

    const published = await app.inject({
      method: 'POST',
      url: '/api/v1/events',
      headers: key,
      body: { name: 'report.ready', entity: 'task', id: 't1', data: { pages: 3 } },
    })
    const bare = await app.inject({
      method: 'POST',
      url: '/api/v1/events',
      headers: key,
      body: { name: 'tick' },
    })

    expect(published.statusCode).toBe(201)
    expect(bare.json().data).toEqual({ name: 'tick', data: null })
    const { items } = (await app.inject({ url: '/api/v1/events?entity=task', headers: key })).json()
    const { cursor, ...item } = items[0]
    expect(cursor).toMatch(/\.1$/u)
    expect(item).toEqual(published.json())
  })

  test('a repetition under the same Idempotency-Key publishes once', async () => {
    const { app } = await build()
    const publish = (name: string) =>
      app.inject({
        method: 'POST',
        url: '/api/v1/events',
        headers: { ...key, 'idempotency-key': 'k1' },
        body: { name },
      })
    const first = await publish('a')

    const second = await publish('a')
    const other = await publish('b')

    expect(second.json()).toEqual(first.json())
    expect(other.statusCode).toBe(422)
    const { items } = (await app.inject({ url: '/api/v1/events', headers: key })).json()
    expect(items).toHaveLength(1)
  })

  test.each([
    ['no name', {}],
    ['an unknown field', { name: 'a', extra: 1 }],
    ['a name with a space', { name: 'a b' }],
  ])('an event with %s is refused', async (_case, body) => {
    const { app } = await build()

    const answer = await app.inject({ method: 'POST', url: '/api/v1/events', headers: key, body })

    expect(answer.statusCode).toBe(400)
    expect(answer.json().code).toBe('REQUEST_INVALID')
  })

  test('a stream without a cursor begins with the next event, uncompressed and unbuffered', async () => {
    const { base, append } = await build()
    await append(change('t1', 1))

    const stream = await follow(base)
    await append(change('t1', 2))
    await expect.poll(() => versionsOf(stream.messages), patience).toEqual(['t1/2'])

    expect(stream.response.headers.get('content-type')).toBe('text/event-stream')
    expect(stream.response.headers.get('x-accel-buffering')).toBe('no')
    expect(stream.response.headers.get('content-encoding')).toBeNull()
    expect(stream.messages[0]).toMatchObject({ event: 'entity.updated' })
    expect(stream.messages[0]?.id).toBe(stream.messages[0]?.data['cursor'])
  })

  test('a reader that is cut off before the first event resumes without a loss', async () => {
    const { base, append } = await build()
    const first = await follow(base)
    await expect.poll(() => first.state.lastEventId, patience).not.toBe('')
    first.cut()
    await append(change('t1', 1))

    const second = await follow(base, { lastEventId: first.state.lastEventId })

    await expect.poll(() => versionsOf(second.messages), patience).toEqual(['t1/1'])
  })

  test('Last-Event-ID and after resume behind their event, over a restart of the service too', async () => {
    const place = await store.place()
    const before = await listen({ place })
    await before.append(change('t1', 1), change('t1', 2), change('t1', 3))
    const { items } = (await before.app.inject({ url: '/api/v1/events', headers: key })).json()
    await before.app.close()
    const { base, append } = await listen({ place })
    await append(change('t1', 4))

    const byHeader = await follow(base, { lastEventId: items[0].cursor })
    const byQuery = await follow(base, { path: `?after=${items[2].cursor}` })

    await expect
      .poll(() => versionsOf(byHeader.messages), patience)
      .toEqual(['t1/2', 't1/3', 't1/4'])
    await expect.poll(() => versionsOf(byQuery.messages), patience).toEqual(['t1/4'])
  })

  test('a filtered stream carries its entity only, and its heartbeats say how far it has come', async () => {
    const { app, base, append } = await build({ heartbeatMs: 40 })
    const stream = await follow(base, { path: '?entity=user' })
    await append(change('t1', 1))
    await expect.poll(() => stream.state.lastEventId, patience).toMatch(/\.1$/u)

    await app.inject({
      method: 'POST',
      url: '/api/v1/events',
      headers: key,
      body: { name: 'n', entity: 'user', id: 'u1' },
    })

    await expect
      .poll(() => stream.messages.map(({ event }) => event), patience)
      .toEqual(['custom.event'])
    expect(stream.state.comments).toContain('heartbeat')
  })

  test.each([
    ['foreign', 'abc.1', 'foreign_epoch'],
    ['no cursor at all', 'what is this', 'foreign_epoch'],
  ])(
    'a cursor that is %s gets reset and the stream goes on',
    async (_case, lastEventId, reason) => {
      const { base, append } = await build()
      await append(change('t1', 1))
      const stream = await follow(base, { lastEventId })
      await expect.poll(() => stream.messages, patience).toHaveLength(1)

      await append(change('t1', 2))
      await expect.poll(() => stream.messages, patience).toHaveLength(2)

      const [reset, next] = stream.messages
      expect(reset).toMatchObject({ event: 'reset', data: { reason } })
      expect(reset?.id).toBe(reset?.data['cursor'])
      expect(next?.data['data']).toMatchObject({ version: 2 })
    },
  )

  test('a log asked after a cursor that it cannot continue answers 410 with where to go on', async () => {
    const { app, append } = await build()
    await append(change('t1', 1))

    const answer = await app.inject({ url: '/api/v1/events?after=abc.1', headers: key })

    expect(answer.statusCode).toBe(410)
    expect(answer.json()).toMatchObject({
      code: 'EVENTS_CURSOR_RESET',
      reason: 'foreign_epoch',
      cursor: expect.stringMatching(/\.1$/u) as string,
    })
  })

  test('retention removes the old end of the log, and who stood there gets reset', async () => {
    const { app, base } = await build({ retentionDays: 1, purgeMs: 20 })
    const old = await app.inject({
      method: 'POST',
      url: '/api/v1/events',
      headers: key,
      body: { name: 'old' },
    })
    expect(old.statusCode).toBe(201)
    const start = (await app.inject({ url: '/api/v1/events', headers: key })).json()
    const stream = await follow(base)
    await expect.poll(() => stream.state.lastEventId, patience).toBe(start.nextCursor)
    stream.cut()
    await app.inject({ method: 'POST', url: '/api/v1/events', headers: key, body: { name: 'b' } })
    app.store.setClockOffset(25 * 3_600_000)
    await app.inject({ method: 'POST', url: '/api/v1/events', headers: key, body: { name: 'new' } })
    const names = async () => {
      const { items } = (await app.inject({ url: '/api/v1/events', headers: key })).json()
      return items.map(({ data }: { data: { name: string } }) => data.name)
    }
    await expect.poll(names, patience).toEqual(['new'])

    const resumed = await follow(base, { lastEventId: start.nextCursor })

    await expect
      .poll(() => resumed.messages.map(({ event, data }) => [event, data['reason']]), patience)
      .toEqual([['reset', 'past_retention']])
  })

  test('a place too many is refused with Retry-After, and is free again when a reader leaves', async () => {
    const { base } = await build({ maxStreams: 1 })
    const first = await follow(base)

    const refused = await follow(base)
    expect(refused.response.status).toBe(503)
    expect(Number(refused.response.headers.get('retry-after'))).toBeGreaterThan(0)
    first.cut()

    await expect.poll(async () => (await follow(base)).response.status, patience).toBe(200)
  })

  test('a shutdown ends the streams with a reason', async () => {
    const { app, base } = await build()
    const stream = await follow(base)

    await app.close()
    await stream.done

    expect(stream.state.comments).toContain('the service shuts down')
  })

  test('a reader that takes nothing holds no more than a page in memory and is cut off', async () => {
    const { app, base, append } = await build({ stallMs: 300 })
    const title = 'x'.repeat(20_000)
    const controller = new AbortController()
    onTestFinished(() => controller.abort())
    const response = await fetch(`${base}/api/v1/events/stream`, {
      headers: key,
      signal: controller.signal,
    })
    const reader = response.body?.getReader()
    for (let from = 0; from < 1500; from += 50) {
      const batch = Array.from({ length: 50 }, (_, index) => change('t1', from + index + 1))
      for (const event of batch) {
        if (event.event !== 'custom.event') event.data.metadata = { title }
      }
      await append(...batch)
    }

    const clients = async () =>
      /event_stream_clients (\d+)/u.exec((await app.inject('/metrics')).body)?.[1]
    await expect.poll(clients, patience).toBe('0')
    let received = 0
    const drain = async (): Promise<void> => {
      for (;;) {
        const chunk = await reader?.read()
        if (chunk === undefined || chunk.done) return
        received += chunk.value.byteLength
      }
    }
    await expect(drain()).rejects.toThrow('terminated')
    expect(received).toBeLessThan(1500 * 20_000)
  })
}

describeDatabases('events', suite)

describeSqlite('a restored file', (store) => {
  test('a reader of what the restore took away gets reset, though the log has grown beyond its place', async () => {
    const place = await store.place()
    const before = await listen({ place })
    await before.append(change('t1', 1), change('t1', 2))
    await before.app.close()
    const directory = dirname(place.file)
    const backup = join(await temporaryDirectory(), 'backup')
    await cp(directory, backup, { recursive: true })
    const lost = await listen({ place })
    const kept = (await lost.call('GET', 'events')).body.nextCursor
    await lost.append(change('t1', 3), change('t1', 4))
    const gone = (await lost.call('GET', 'events')).body.nextCursor
    await lost.app.close()

    await rm(directory, { recursive: true })
    await cp(backup, directory, { recursive: true })
    const { base, append } = await listen({ place })
    await append(change('t2', 1), change('t2', 2), change('t2', 3))
    const [behind, ahead] = [
      await follow(base, { lastEventId: kept }),
      await follow(base, { lastEventId: gone }),
    ]

    await expect.poll(() => versionsOf(behind.messages), patience).toEqual(['t2/1', 't2/2', 't2/3'])
    await expect
      .poll(() => ahead.messages[0], patience)
      .toMatchObject({
        event: 'reset',
        data: { reason: 'foreign_epoch' },
      })
  })
})

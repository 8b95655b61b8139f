import { Readable } from 'node:stream'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { request } from 'undici'
import { expect, test } from 'vitest'
import cache from '../cache/index.ts'
import events from '../events/index.ts'
import externalDb from '../external-db/index.ts'
import machines from '../machines/index.ts'
import { cacheOptions, externalDbOptions } from '../plugin-options.ts'
import states from '../states/index.ts'
import { documentService } from '../testing/document-service.ts'
import { eventually } from '../testing/eventually.ts'
import { createService, key } from '../testing/service.ts'
import { callerOf } from '../testing/state-service.ts'
import { bodyLines } from './body-lines.ts'
import transfer, { type TransferOptions } from './index.ts'

const NDJSON = { 'content-type': 'application/x-ndjson' }

/** A service with its own, empty store. */
async function build(
  place: Awaited<ReturnType<TestStore['place']>>,
  options: { env?: Record<string, string>; transfer?: Partial<TransferOptions> } = {},
) {
  const { app, config } = await createService({ place, env: options.env ?? {} })
  await app.register(events, { retentionDays: 30, maxStreams: 4, pollMs: 50 })
  await app.register(cache, cacheOptions(config))
  await app.register(externalDb, { ...externalDbOptions(config), pollMs: 50 })
  await app.register(machines)
  await app.register(states, {
    cache: app.stateCache,
    elsewhere: app.externalDb,
    metadataLimitBytes: 4096,
    sweepMs: 3_600_000,
  })
  await app.register(transfer, { metadataLimitBytes: 4096, ...options.transfer })
  await app.ready()
  const call = callerOf(app)
  return {
    app,
    call,
    exported: async (query = ''): Promise<string> =>
      (await app.inject({ url: `/api/v1/export${query}`, headers: key })).body,
    imported: async (text: string, query = '') => {
      const response = await app.inject({
        method: 'POST',
        url: `/api/v1/import${query}`,
        headers: { ...key, ...NDJSON },
        payload: text,
      })
      return { status: response.statusCode, body: response.json() }
    },
  }
}
type Service = Awaited<ReturnType<typeof build>>

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** What an export says but for its moment. */
const contentOf = (text: string) => linesOf(text).filter(({ type }) => type !== 'header')

const ORDER = {
  statuses: ['placed', 'paid', 'shipped'],
  initial: ['placed'],
  transitions: { placed: ['paid'], paid: ['shipped'] },
  indexes: ['city', 'tags'],
}

/** A bit of everything: own rules in two versions, changes, a deletion, one that came again, one that expires. */
async function fill({ call }: Service): Promise<void> {
  const { indexes: _indexes, ...first } = ORDER
  await call('PUT', 'machines/order', first)
  await call('PUT', 'machines/order', ORDER)
  await call('POST', 'states/order', {
    entityId: 'o-1',
    metadata: { city: 'Пермь', tags: ['срочно', 'b2b'] },
  })
  await call('PUT', 'states/order/o-1', { status: 'paid', reason: 'по счёту "17"' })
  await call('POST', 'states/task', { entityId: 't1', metadata: { title: 'Отчёт\n№ 1' } })
  await call('PATCH', 'states/task/t1', { metadata: { assignee: 'u1' } })
  await call('POST', 'states/task', { entityId: 'gone' })
  await call('DELETE', 'states/task/gone', undefined)
  await call('POST', 'states/task', { entityId: 'again' })
  await call('DELETE', 'states/task/again')
  await call('POST', 'states/task', { entityId: 'again', status: 'pending' })
  await call('POST', 'states/user', { entityId: 'u1', status: 'online', ttlSeconds: 600 })
}

const zero = { imported: 0, unchanged: 0, skipped: 0 }

describeDatabases('transfer', (store) => {
  test('what one store gives another one takes, whole, and gives it again as it was', async () => {
    const from = await build(await store.place())
    await fill(from)
    const text = await from.exported()
    const to = await build(await store.place())

    const { status, body } = await to.imported(text)

    expect([status, body]).toEqual([
      200,
      {
        lines: 19,
        machines: { ...zero, imported: 2 },
        states: { ...zero, imported: 5 },
        history: { ...zero, imported: 10 },
      },
    ])
    expect(contentOf(await to.exported())).toEqual(contentOf(text))
    for (const url of [
      'states/task/t1',
      'states/order/o-1',
      'states/user/u1',
      'states/task/again',
    ]) {
      expect((await to.call('GET', url)).body).toEqual((await from.call('GET', url)).body)
      const history = `${url}/history`
      expect((await to.call('GET', history)).body).toEqual((await from.call('GET', history)).body)
    }
    expect((await to.call('GET', 'states/task/gone')).status).toBe(404)
    expect((await to.call('GET', 'machines/order')).body).toMatchObject({ version: 2, ...ORDER })
    expect((await to.call('GET', 'states/order?metadata.tags=b2b')).body.items).toHaveLength(1)
    expect((await to.call('GET', 'states/order?metadata.city=Пермь')).body.items).toHaveLength(1)
  })

  test('what came in goes on where it was: versions, rules, expiry', async () => {
    const from = await build(await store.place())
    await fill(from)
    const to = await build(await store.place())
    await to.imported(await from.exported())

    expect((await to.call('PUT', 'states/order/o-1', { status: 'shipped' })).body.version).toBe(3)
    expect((await to.call('POST', 'states/task', { entityId: 'gone' })).body.version).toBe(3)
    expect((await to.call('PUT', 'states/task/again', { status: 'completed' })).status).toBe(409)
    expect((await to.call('POST', 'states/user/u1/heartbeat', {})).status).toBe(200)
  })

  test('the same import again changes nothing, whatever happened to the states since', async () => {
    const from = await build(await store.place())
    await fill(from)
    const text = await from.exported()
    const to = await build(await store.place())
    await to.imported(text)
    await to.call('PATCH', 'states/task/t1', { metadata: { later: true } })
    const before = await to.exported()

    for (const existing of ['skip', 'refuse']) {
      const { status, body } = await to.imported(text, `?existing=${existing}`)
      expect([status, body]).toEqual([
        200,
        {
          lines: 19,
          machines: { ...zero, unchanged: 2 },
          states: { ...zero, unchanged: 5 },
          history: { ...zero, unchanged: 10 },
        },
      ])
    }

    expect(contentOf(await to.exported())).toEqual(contentOf(before))
  })

  test('another state under the same name stays: the rest comes in, or the import ends with 409', async () => {
    const from = await build(await store.place())
    await fill(from)
    const text = await from.exported()
    const to = await build(await store.place())
    await to.call('POST', 'states/task', { entityId: 't1', metadata: { mine: true } })

    const refused = await to.imported(text, '?existing=refuse')
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({
      code: 'TRANSFER_CONFLICT',
      entity: 'task',
      entityId: 't1',
      line: expect.any(Number) as number,
    })
    const skipped = await to.imported(text)
    expect(skipped.body.states).toMatchObject({ skipped: 1 })
    expect(skipped.body.history).toMatchObject({ skipped: 2 })

    expect((await to.call('GET', 'states/task/t1')).body.metadata).toEqual({ mine: true })
    expect((await to.call('GET', 'states/task/t1/history')).body.items).toHaveLength(1)
    expect((await to.call('GET', 'states/task/again')).body.version).toBe(3)
  })

  test('an import that was broken off is completed by the next one', async () => {
    const from = await build(await store.place())
    await from.call('POST', 'states/task', { entityId: 'long' })
    for (let n = 0; n < 450; n += 1) {
      await from.call('PATCH', 'states/task/long', { metadata: { n } })
    }
    const text = await from.exported()
    const to = await build(await store.place())

    const part = text.split('\n').slice(0, 300).join('\n')
    const cut = await to.imported(part)
    expect([cut.status, cut.body.code]).toEqual([422, 'TRANSFER_LINE_INVALID'])
    const { status, body } = await to.imported(text, '?existing=refuse')

    expect(status).toBe(200)
    expect(body.states).toEqual({ ...zero, unchanged: 1 })
    expect(body.history.imported + body.history.unchanged).toBe(451)
    expect(contentOf(await to.exported())).toEqual(contentOf(text))
  })

  test('a cut export is noticed although every line of it is good', async () => {
    const from = await build(await store.place())
    await fill(from)
    const lines = (await from.exported()).trim().split('\n')
    const to = await build(await store.place())

    const withoutEnd = await to.imported(lines.slice(0, -1).join('\n'))
    expect([withoutEnd.status, withoutEnd.body.code]).toEqual([422, 'TRANSFER_TRUNCATED'])
    const withoutOne = await to.imported(lines.toSpliced(1, 1).join('\n'))
    expect(withoutOne.body.code).toBe('TRANSFER_TRUNCATED')
    const aPart = await to.imported(lines.slice(1, -1).join('\n'))
    expect(aPart.status).toBe(200)
  })

  test('a line that is wrong is named, with what is wrong in it', async () => {
    const from = await build(await store.place())
    await fill(from)
    const lines = contentOf(await from.exported())
    const task = lines.findIndex(({ type, entityId }) => type === 'state' && entityId === 't1')
    const to = await build(await store.place())
    const wrong = async (place: number, change: object | string) => {
      const text = lines.map((line, index) =>
        index === place
          ? typeof change === 'string'
            ? change
            : JSON.stringify({ ...line, ...change })
          : JSON.stringify(line),
      )
      const { status, body } = await to.imported(text.slice(task, task + 3).join('\n'))
      return [status, body.line, body.errors?.[0]?.path]
    }

    expect(await wrong(task, '{"type":')).toEqual([422, 1, '/'])
    expect(await wrong(task, '[]')).toEqual([422, 1, '/type'])
    expect(await wrong(task, { type: 'else' })).toEqual([422, 1, '/type'])
    expect(await wrong(task, { status: 'In Progress' })).toEqual([422, 1, '/status'])
    expect(await wrong(task, { surplus: 1 })).toEqual([422, 1, '/surplus'])
    expect(await wrong(task, { createdAt: '2025-11-10T10:00:60Z' })).toEqual([422, 1, '/createdAt'])
    expect(await wrong(task, { entity: 'unheard' })).toEqual([422, 2, '/entityId'])
    expect(await wrong(task, { metadata: { text: 'x'.repeat(5000) } })).toEqual([
      422,
      1,
      '/metadata',
    ])
    expect(await wrong(task, { metadata: { text: 'a\u0000b' } })).toEqual([
      422,
      1,
      '/metadata/text',
    ])
    expect(await wrong(task, '{"type":"state","__proto__":{}}')).toEqual([422, 1, '/'])
    expect(await wrong(task, { version: 3 })).toEqual([422, 1, '/version'])
    expect(await wrong(task, { status: 'failed' })).toEqual([422, 1, '/status'])
    expect(await wrong(task + 1, { version: 2 })).toEqual([422, 2, '/version'])
    expect(await wrong(task + 2, { previousStatus: 'failed' })).toEqual([422, 3, '/previousStatus'])
    expect(await wrong(task + 2, { entityId: 'other' })).toEqual([422, 3, '/entityId'])
    expect((await to.call('GET', 'states/task')).body.items).toEqual([])
  })

  test('states of an entity type without rules are refused', async () => {
    const from = await build(await store.place())
    await fill(from)
    const withoutRules = contentOf(await from.exported('?entity=order')).slice(2, -1)
    const to = await build(await store.place())

    const { status, body } = await to.imported(
      withoutRules.map((line) => JSON.stringify(line)).join('\n'),
    )

    expect([status, body.errors]).toEqual([
      422,
      [{ path: '/entity', message: 'is an unknown entity type' }],
    ])
  })

  test('one entity type is exported alone, with its rules', async () => {
    const from = await build(await store.place())
    await fill(from)

    const types = linesOf(await from.exported('?entity=order')).map(
      ({ type, entity = '' }) => `${String(type)} ${String(entity)}`,
    )

    expect(types).toEqual([
      'header ',
      'machine order',
      'machine order',
      'state order',
      'history order',
      'history order',
      'end ',
    ])
    expect((await from.call('GET', 'export?entity=Order')).status).toBe(400)
  })

  test('an export of many pages misses nothing, while others write', async () => {
    const from = await build(await store.place())
    const make = async (range: number[], n: number) => {
      for (let at = 0; at < range.length; at += 500) {
        await from.call('POST', 'states/batch', {
          mode: 'atomic',
          operations: range.slice(at, at + 500).map((id) => ({
            op: 'upsert',
            entity: 'task',
            entityId: `t${id}`,
            metadata: { n, text: 'x'.repeat(1500) },
          })),
        })
      }
    }
    const ids = Array.from({ length: 1200 }, (_, id) => id)
    await make(ids, 0)
    await make(ids.slice(0, 300), 1)

    const [text] = await Promise.all([from.exported(), make(ids.slice(100, 900), 2)])

    const lines = linesOf(text)
    const versions = new Map<unknown, number>()
    for (const { type, entityId, version } of lines) {
      if (type === 'state') versions.set(entityId, Number(version))
    }
    expect(versions.size).toBe(1200)
    expect(lines.at(-1)).toEqual({
      type: 'end',
      machines: 0,
      states: 1200,
      history: [...versions.values()].reduce((sum, version) => sum + version, 0),
    })
    const to = await build(await store.place())
    expect((await to.imported(text)).status).toBe(200)
  })

  test('who follows the event log is told to begin anew, and the cache forgets', async () => {
    const from = await build(await store.place())
    await fill(from)
    const text = await from.exported()
    const to = await build(await store.place())
    await to.call('POST', 'states/process', { entityId: 'p1' })
    const { nextCursor: cursor } = (await to.call('GET', 'events')).body

    await to.imported(text, '?more=true')
    expect((await to.call('GET', `events?after=${cursor}`)).status).toBe(200)
    await to.imported(text)

    await eventually(async () => {
      const { status, body } = await to.call('GET', `events?after=${cursor}`)
      expect([status, body.reason]).toEqual([410, 'foreign_epoch'])
    })
    const { items } = (await to.call('GET', 'events')).body
    expect(items).toMatchObject([{ event: 'entity.created', data: { id: 'p1' } }])
    expect((await to.call('GET', 'states/process/p1')).headers['x-cache']).toBe('miss')
  })

  test('the external DB gets what came in', async () => {
    const from = await build(await store.place())
    await fill(from)
    const service = await documentService()
    await service.open()
    const to = await build(await store.place(), { env: { EXTERNAL_DB_URL: service.url } })

    await to.imported(await from.exported())

    await eventually(() => expect(service.exchanges).toHaveLength(5))
    expect(service.documents.get('task:t1')).toMatchObject({ version: 2 })
    expect(service.documents.get('order:o-1')).toMatchObject({ version: 2, status: 'paid' })
  })

  test('only so many at once', async () => {
    const to = await build(await store.place(), { transfer: { exportLimit: 0 } })
    const busy = await to.app.inject({ url: '/api/v1/export', headers: key })
    expect([busy.statusCode, busy.headers['retry-after'], busy.json().code]).toEqual([
      503,
      '10',
      'TRANSFER_BUSY',
    ])

    const base = await to.app.listen({ port: 0 })
    const slow = new Readable({ read: () => {} })
    const first = request(`${base}/api/v1/import`, {
      method: 'POST',
      headers: { ...key, ...NDJSON },
      body: slow,
    })
    const from = await build(await store.place())
    await from.call('PUT', 'machines/order', ORDER)
    slow.push(`${(await from.exported()).split('\n')[1]}\n`)
    await eventually(async () =>
      expect((await to.call('GET', 'machines/order')).body).toMatchObject(ORDER),
    )
    expect((await to.imported('')).status).toBe(503)
    slow.push(null)

    expect((await first).statusCode).toBe(200)
    expect((await to.imported('')).status).toBe(200)
  })

  test('a body that is not NDJSON is refused', async () => {
    const { call } = await build(await store.place())

    expect((await call('POST', 'import', { type: 'state' })).status).toBe(415)
  })
})

test('lines are split wherever the chunks end, and one that is too long is refused', async () => {
  const collect = async (chunks: (string | Buffer)[], limit = 100) => {
    const lines: string[] = []
    const body = Readable.from(chunks.map((chunk) => Buffer.from(chunk)))
    for await (const { number, text } of bodyLines(body, limit)) lines.push(`${number} ${text}`)
    return lines
  }
  const [head, tail] = [Buffer.from('«я»').subarray(0, 3), Buffer.from('«я»').subarray(3)]

  expect(await collect(['a\nb', 'c\r\n', '\n\nd'])).toEqual(['1 a', '2 bc', '5 d'])
  expect(await collect([head, tail, '\n'])).toEqual(['1 «я»'])
  expect(await collect([])).toEqual([])
  await expect(collect(['a\n', 'x'.repeat(101)])).rejects.toMatchObject({
    code: 'TRANSFER_LINE_TOO_LONG',
  })
  await expect(collect([Buffer.from([0xff, 0x0a])])).rejects.toMatchObject({
    errors: [{ path: '/', message: 'is not valid UTF-8' }],
  })
})

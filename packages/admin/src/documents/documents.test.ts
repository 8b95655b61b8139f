import { expect, onTestFinished, test } from 'vitest'
import { buildAdmin, describeAdmin, freshName } from '../testing/admin-app.ts'
import { createDocuments } from './documents.ts'
import { createRetention } from './retention.ts'
import type { DocumentPage } from './schemas.ts'

const DAY_MS = 86_400_000
const STALE = { status: 412, code: 'DOCUMENTS_STALE_VERSION' }

describeAdmin('documents', (admin) => {
  const call: ReturnType<typeof admin>['call'] = (...request) => admin().call(...request)
  const kind = (): string => `/api/v1/db/${freshName('k')}`
  const put = (url: string, body: object, headers: Record<string, string> = {}) =>
    call('PUT', url, { body, headers })

  test('what is filed comes back as it is, with an ETag', async () => {
    const url = `${kind()}/task:task_1`
    const body = { title: 'Отчёт 😀', n: 1.5, deep: { list: [1, null, { a: true }] }, empty: {} }

    const first = await put(url, body)
    const read = await call('GET', url)

    expect(first.statusCode).toBe(201)
    expect(first.headers['location']).toBe(url)
    expect(first.json()).toEqual(body)
    expect(read.json()).toEqual(body)
    expect(read.headers['etag']).toBe(first.headers['etag'])
    const known = await call('GET', url, {
      headers: { 'if-none-match': String(read.headers['etag']) },
    })
    expect(known.statusCode).toBe(304)
    expect(known.body).toBe('')
  })

  test('a new document gets an id, or keeps its own; the second of one id is refused', async () => {
    const url = kind()

    const generated = await call('POST', url, { body: { text: 'a' } })
    const named = await call('POST', url, { body: { id: 'n1', text: 'b' } })
    const again = await call('POST', url, { body: { id: 'n1', text: 'c' } })

    expect(generated.statusCode).toBe(201)
    expect(generated.json()).toEqual({ id: expect.any(String) as string, text: 'a' })
    const { id } = generated.json<{ id: string }>()
    expect(generated.headers['location']).toBe(`${url}/${id}`)
    expect((await call('GET', `${url}/${id}`)).json()).toEqual({ id, text: 'a' })
    expect(named.json()).toEqual({ id: 'n1', text: 'b' })
    expect(again.json()).toMatchObject({ status: 409, code: 'DOCUMENTS_EXISTS' })
  })

  test('a write of what is stored already changes nothing', async () => {
    const url = `${kind()}/d`
    const first = await put(url, { a: { b: 1, c: 2 }, version: 3 })

    const same = await put(url, { version: 3, a: { c: 2, b: 1 } })

    expect(same.statusCode).toBe(200)
    expect(same.headers['etag']).toBe(first.headers['etag'])
  })

  test('an older version is refused, an equal one taken', async () => {
    const url = `${kind()}/task:t1`
    await put(url, { status: 'pending', version: 3 })

    const older = await put(url, { status: 'created', version: 2 })
    const equal = await put(url, { status: 'pending', note: 'again', version: 3 })
    const newer = await put(url, { status: 'completed', version: 7 })

    expect(older.json()).toMatchObject({ ...STALE, version: 2, storedVersion: 3 })
    expect(equal.statusCode).toBe(200)
    expect(newer.statusCode).toBe(200)
    expect((await call('GET', url)).json()).toEqual({ status: 'completed', version: 7 })
  })

  test('a document whose version is no integer is nobody’s to order', async () => {
    const url = `${kind()}/d`
    await put(url, { version: '2.0.0' })

    expect((await put(url, { version: '1.0.0' })).statusCode).toBe(200)
    expect((await put(url, { version: 1.5 })).statusCode).toBe(200)
    expect((await put(url, { plain: true })).statusCode).toBe(200)
  })

  test('after a delete with a version nothing older comes back, something newer does', async () => {
    const url = `${kind()}/task:t1`
    await put(url, { version: 3 })

    expect((await call('DELETE', `${url}?version=2`)).json()).toMatchObject(STALE)
    expect((await call('DELETE', `${url}?version=4`)).statusCode).toBe(204)
    expect((await call('DELETE', `${url}?version=4`)).statusCode).toBe(204)

    expect((await put(url, { version: 3 })).json()).toMatchObject(STALE)
    expect((await put(url, { version: 4 })).json()).toMatchObject(STALE)
    expect((await call('GET', url)).statusCode).toBe(404)
    expect((await put(url, { version: 5 })).statusCode).toBe(201)
  })

  test('a delete with a version that comes before the write is remembered', async () => {
    const url = kind()

    expect((await call('DELETE', `${url}/t1?version=2`)).statusCode).toBe(204)

    expect((await put(`${url}/t1`, { version: 1 })).json()).toMatchObject(STALE)
    const posted = await call('POST', url, { body: { id: 't1', version: 1 } })
    expect(posted.json()).toMatchObject(STALE)
  })

  test('a delete without a version forgets', async () => {
    const url = `${kind()}/d`
    await put(url, { version: 3 })

    expect((await call('DELETE', url)).statusCode).toBe(204)
    expect((await call('DELETE', url)).json()).toMatchObject({
      status: 404,
      code: 'DOCUMENTS_NOT_FOUND',
    })
    expect((await put(url, { version: 1 })).statusCode).toBe(201)
  })

  test('preconditions hold for writes and deletes, also over a deleted document', async () => {
    const url = `${kind()}/d`
    const failed = { status: 412, code: 'DOCUMENTS_PRECONDITION_FAILED' }
    expect((await put(url, {}, { 'if-match': '*' })).json()).toMatchObject(failed)
    const first = String((await put(url, { n: 1 }, { 'if-none-match': '*' })).headers['etag'])

    expect((await put(url, { n: 2 }, { 'if-none-match': '*' })).json()).toMatchObject(failed)
    const second = await put(url, { n: 2 }, { 'if-match': first })
    expect(second.statusCode).toBe(200)
    expect((await put(url, { n: 3 }, { 'if-match': first })).json()).toMatchObject(failed)
    const gone = await call('DELETE', url, { headers: { 'if-match': first } })
    expect(gone.json()).toMatchObject(failed)

    await call('DELETE', url)
    const reborn = await put(url, { n: 1 }, { 'if-none-match': '*' })
    expect(reborn.statusCode).toBe(201)
    expect([first, second.headers['etag']]).not.toContain(reborn.headers['etag'])
  })

  test('concurrent writes leave the highest version, whatever their order', async () => {
    const url = `${kind()}/task:t1`
    const versions = [5, 1, 8, 3, 10, 2, 9, 4, 7, 6]

    const responses = await Promise.all(
      versions.map((version) => put(url, { version, status: `s${version}` })),
    )

    expect((await call('GET', url)).json()).toEqual({ version: 10, status: 's10' })
    expect(responses.filter(({ statusCode }) => statusCode === 201)).toHaveLength(1)
    for (const { statusCode } of responses) expect([200, 201, 412]).toContain(statusCode)
  })

  test('a delete among concurrent writes stays deleted', async () => {
    const url = `${kind()}/task:t1`
    const writes = Array.from({ length: 9 }, (_, n) => put(url, { version: n + 1 }))

    await Promise.all([...writes, call('DELETE', `${url}?version=10`)])

    expect((await call('GET', url)).statusCode).toBe(404)
  })

  test('of writers who want to be the first, one is', async () => {
    const url = `${kind()}/d`

    const responses = await Promise.all(
      Array.from({ length: 8 }, (_, n) => put(url, { n }, { 'if-none-match': '*' })),
    )

    expect(responses.filter(({ statusCode }) => statusCode === 201)).toHaveLength(1)
    expect(responses.filter(({ statusCode }) => statusCode === 412)).toHaveLength(7)
  })

  test.each([
    ['no object', '[1]', 400, 'REQUEST_INVALID'],
    ['a number that no reader keeps', '{"n":1e400}', 422, 'DOCUMENTS_NUMBER_TOO_BIG'],
    ['nested too deep', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`, 422, 'DOCUMENTS_TOO_DEEP'],
    ['a NUL', '{"a":"\\u0000"}', 422, 'TEXT_NOT_STORABLE'],
    ['a prototype', '{"__proto__":{}}', 400, 'REQUEST_MALFORMED_JSON'],
  ])('%s is refused', async (_case, payload, status, code) => {
    const headers = { 'content-type': 'application/json' }

    const response = await call('PUT', `${kind()}/d`, { body: payload, headers })

    expect(response.json()).toMatchObject({ status, code })
  })

  test('the deepest that is taken is read, listed and filtered', async () => {
    const url = kind()
    const deep = `{"a":${'['.repeat(99)}${']'.repeat(99)}}`
    const headers = { 'content-type': 'application/json' }

    const filed = await call('PUT', `${url}/d`, { body: deep, headers })

    expect(filed.statusCode).toBe(201)
    expect((await call('GET', `${url}?filter.b=1`)).json()).toEqual({ items: [] })
    expect((await call('GET', url)).json<DocumentPage>().items).toHaveLength(1)
  })

  test.each(['Notes/d', '-x/d', 'notes/.hidden', 'notes/%00'])('%s is no place', async (path) => {
    expect((await call('GET', `/api/v1/db/${path}`)).statusCode).toBe(400)
  })
})

describeAdmin('the list of documents', (admin) => {
  const call: ReturnType<typeof admin>['call'] = (...request) => admin().call(...request)

  async function file(documents: Record<string, object>): Promise<string> {
    const url = `/api/v1/db/${freshName('k')}`
    for (const [id, body] of Object.entries(documents)) {
      await call('PUT', `${url}/${id}`, { body })
    }
    return url
  }

  const ids = async (url: string): Promise<string[]> => {
    const response = await call('GET', url)
    expect(response.statusCode).toBe(200)
    return response.json<DocumentPage>().items.map(({ id }) => id)
  }

  test('tells each document with its id, ETag and times', async () => {
    const url = await file({ a: { n: 1 } })

    const { items } = (await call('GET', url)).json<DocumentPage>()

    const read = await call('GET', `${url}/a`)
    expect(items).toEqual([
      {
        id: 'a',
        etag: read.headers['etag'],
        createdAt: expect.stringMatching(/^\d{4}-.*Z$/u) as string,
        updatedAt: expect.stringMatching(/^\d{4}-.*Z$/u) as string,
        document: { n: 1 },
      },
    ])
  })

  test('filters compare members by path, as text, and are and-ed', async () => {
    const url = await file({
      a: { status: 'open', metadata: { priority: 'high', 'due-at': 1, done: false } },
      b: { status: 'open', metadata: { priority: 'low', 'due-at': 2.5, done: true } },
      c: { status: "o'pen", metadata: null },
      d: { status: 'open', tags: ['x'] },
    })

    expect(await ids(url)).toEqual(['a', 'b', 'c', 'd'])
    expect(await ids(`${url}?filter.status=open`)).toEqual(['a', 'b', 'd'])
    expect(await ids(`${url}?filter.status=open&filter.metadata.priority=low`)).toEqual(['b'])
    expect(await ids(`${url}?filter.metadata.due-at=1`)).toEqual(['a'])
    expect(await ids(`${url}?filter.metadata.due-at=2.5`)).toEqual(['b'])
    expect(await ids(`${url}?filter.metadata.done=true`)).toEqual(['b'])
    expect(await ids(`${url}?filter.status=${encodeURIComponent("o'pen")}`)).toEqual(['c'])
    expect(await ids(`${url}?filter.${encodeURIComponent("st'a$tus[0]")}=open`)).toEqual([])
    expect(await ids(`${url}?filter.missing=null`)).toEqual([])
  })

  test.each([
    'filter=1',
    'filter.=1',
    'filter.a..b=1',
    'filter.a=%00',
    'filter.a%22b=1',
    'filter.a%5Cb=1',
    'other=1',
    'limit=0',
  ])('?%s is refused', async (query) => {
    expect((await call('GET', `/api/v1/db/notes?${query}`)).json()).toMatchObject({
      status: 400,
      code: 'REQUEST_INVALID',
    })
  })

  test('a deleted document is not in it', async () => {
    const url = await file({ a: {}, b: {} })
    await call('DELETE', `${url}/a?version=1`)

    expect(await ids(url)).toEqual(['b'])
  })

  test('what changed since a time comes in the order of its changes', async () => {
    const { store } = admin().app
    onTestFinished(() => store.setClockOffset(0))
    const url = await file({ a: {}, b: {}, c: {} })
    const { items } = (await call('GET', url)).json<DocumentPage>()
    const since =
      items
        .map(({ updatedAt }) => updatedAt)
        .toSorted()
        .at(-1) ?? ''
    store.setClockOffset(10_000)
    await call('PUT', `${url}/b`, { body: { n: 1 } })
    store.setClockOffset(20_000)
    await call('PUT', `${url}/a`, { body: { n: 1 } })

    expect(await ids(`${url}?updatedAfter=${since}`)).toEqual(['a', 'b'])
    expect(await ids(`${url}?updatedAfter=${since}&sort=updatedAt`)).toEqual(['b', 'a'])
    expect(await ids(`${url}?updatedAfter=${since.replace('Z', '%2B00:00')}`)).toEqual(['a', 'b'])
    expect((await call('GET', `${url}?updatedAfter=yesterday`)).statusCode).toBe(400)
  })

  test.each(['id', 'updatedAt'])('pages by %s follow one another without a gap', async (sort) => {
    const names = ['a', 'b', 'B', '-', '_', 'aa', 'a:1'].map((end) => `x${end}`)
    const url = await file(Object.fromEntries(names.map((name) => [name, {}])))
    const seen: string[] = []
    let cursor = ''

    do {
      const page = await call('GET', `${url}?sort=${sort}&limit=2${cursor}`)
      const { items, nextCursor } = page.json<DocumentPage>()
      seen.push(...items.map(({ id }) => id))
      cursor = nextCursor === undefined ? '' : `&cursor=${nextCursor}`
    } while (cursor !== '')

    expect(seen).toHaveLength(names.length)
    expect(seen.toSorted()).toEqual(names.toSorted())
    const first = (await call('GET', `${url}?sort=id&limit=2`)).json<DocumentPage>()
    const other = await call('GET', `${url}?sort=updatedAt&cursor=${first.nextCursor}`)
    expect(other.json()).toMatchObject({ status: 400, code: 'DOCUMENTS_CURSOR_INVALID' })
  })

  test('a page looks at a limited number of documents and goes on from there', async () => {
    const url = await file({ a: {}, b: {}, c: {}, d: {}, e: { hit: 1 }, f: {}, g: { hit: 1 } })
    const entity = url.split('/').at(-1) ?? ''
    const { store } = admin().app
    const documents = createDocuments({ database: store, scanLimit: 2, pageSize: 1000 })
    const pages: string[][] = []
    let cursor: string | undefined

    do {
      const query = { 'filter.hit': '1', ...(cursor === undefined ? {} : { cursor }) }
      const page = await documents.list(entity, query)
      pages.push(page.items.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== undefined)

    expect(pages).toEqual([[], [], ['e'], ['g']])
  })

  test('a page has a limited size, and at least one document', async () => {
    const big = { text: 'x'.repeat(600) }
    const url = await file({ a: big, b: big, c: { n: 1 }, d: { n: 1 } })
    const { store } = admin().app
    const documents = createDocuments({ database: store, scanLimit: 100, pageSize: 500 })
    const page = async (cursor?: string) =>
      documents.list(url.split('/').at(-1) ?? '', cursor === undefined ? {} : { cursor })

    const first = await page()
    const second = await page(first.nextCursor)
    const third = await page(second.nextCursor)

    expect(first.items.map(({ id }) => id)).toEqual(['a'])
    expect(second.items.map(({ id }) => id)).toEqual(['b'])
    expect(third.items.map(({ id }) => id)).toEqual(['c', 'd'])
    expect(third.nextCursor).toBeUndefined()
  })
})

describeAdmin('the retention of tombstones', (admin) => {
  test('forgets them when no late write can come any more', async () => {
    const { store } = admin().app
    onTestFinished(() => store.setClockOffset(0))
    const url = `/api/v1/db/${freshName('k')}`
    const write = (id: string) => admin().call('PUT', `${url}/${id}`, { body: { version: 1 } })
    const kept = 'kept'
    for (const id of ['a', 'b', 'c']) await admin().call('DELETE', `${url}/${id}?version=2`)
    await write(kept)
    const retention = createRetention({
      database: store,
      log: admin().app.log,
      keepMs: 30 * DAY_MS,
      everyMs: DAY_MS,
      batch: 2,
    })
    onTestFinished(() => retention.stop())

    store.setClockOffset(29 * DAY_MS)
    await retention.sweep()
    expect((await write('a')).statusCode).toBe(412)

    store.setClockOffset(31 * DAY_MS)
    expect(await retention.sweep()).toBeGreaterThanOrEqual(3)
    expect((await write('a')).statusCode).toBe(201)
    expect((await admin().call('GET', `${url}/${kept}`)).statusCode).toBe(200)
  })
})

test('a body over the limit is refused', async () => {
  const admin = await buildAdmin({ BODY_LIMIT: '2048' })
  onTestFinished(() => admin.close())

  const response = await admin.call('PUT', '/api/v1/db/notes/n', {
    body: { text: 'x'.repeat(2048) },
  })

  expect(response.json()).toMatchObject({ status: 413, code: 'REQUEST_TOO_LARGE' })
})

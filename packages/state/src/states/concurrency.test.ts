import { expect, test } from 'vitest'
import {
  describeDatabases,
  describePostgres,
  describeSqlite,
  type TestStore,
} from '@potok/core/testing/databases'
import { eventually } from '../testing/eventually.ts'
import { type callerOf, createStateService, type Reply } from '../testing/state-service.ts'

const WRITERS = 16

function suite(store: TestStore): void {
  /** Two replicas where the store allows it. */
  async function build() {
    const place = await store.place()
    const service = await createStateService({ place })
    const other = store.dialect === 'postgres' ? await createStateService({ place }) : service
    const by = (n: number) => (n % 2 === 0 ? service.call : other.call)
    return { ...service, by }
  }

  test('many writers of one entity: no update is lost, versions have no gap', async () => {
    const { call, by } = await build()
    await call('POST', 'states/task', { entityId: 'a', metadata: {} })

    const replies = await Promise.all(
      Array.from({ length: WRITERS * 4 }, (_, n) =>
        by(n)('PATCH', 'states/task/a', { metadata: { [`w${n}`]: n } }),
      ),
    )

    const { body } = await call('GET', 'states/task/a')
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200))
    expect(Object.keys(body.metadata)).toHaveLength(WRITERS * 4)
    const versions = replies.map((reply) => reply.body.version as number).toSorted((x, y) => x - y)
    expect(versions).toEqual(Array.from({ length: WRITERS * 4 }, (_, n) => n + 2))
    const history = (await call('GET', 'states/task/a/history?order=asc&limit=500')).body.items
    expect(history.map(({ version }: { version: number }) => version)).toEqual([1, ...versions])
    const events = (await call('GET', 'events?limit=200')).body.items
    expect(
      new Set(events.map((event: { data: { version: number } }) => event.data.version)).size,
    ).toBe(WRITERS * 4 + 1)
  })

  test('of writers with the same If-Match exactly one wins, again and again', async () => {
    const { call, by } = await build()
    await call('POST', 'states/task', { entityId: 'a', status: 'pending' })

    for (let version = 1; version <= 8; version += 1) {
      const replies = await Promise.all(
        Array.from({ length: WRITERS }, (_, n) =>
          by(n)(
            'PUT',
            'states/task/a',
            { status: version % 2 === 0 ? 'pending' : 'in_progress', metadata: { n } },
            { 'if-match': `"${version}"` },
          ),
        ),
      )
      const count = (status: number) => replies.filter((reply) => reply.status === status).length
      expect({ version, won: count(200), lost: count(412) }).toEqual({
        version,
        won: 1,
        lost: WRITERS - 1,
      })
    }
  })

  test('requests that arrive together are isolated: each is stored or refused for itself, by its own caller', async () => {
    const { call, by } = await build()
    await call('POST', 'states/task', { entityId: 'taken' })

    const replies: Reply[] = await Promise.all(
      Array.from({ length: WRITERS * 2 }, (_, n) => {
        const actor = { 'x-actor': `user:u${n}`, 'x-correlation-id': `c${n}` }
        const kinds = [
          { body: { entityId: `own${n}`, status: 'created' }, headers: {} },
          { body: { entityId: `unknown${n}`, status: 'lost' }, headers: {} },
          { body: { entityId: 'taken' }, headers: { 'if-none-match': '*' } },
          { body: { entityId: `forbidden${n}`, status: 'completed' }, headers: {} },
        ] as const
        const { body, headers } = kinds[n % 4] ?? kinds[0]
        return by(n)('POST', 'states/task', body, { ...actor, ...headers })
      }),
    )

    const expected = [201, 422, 412, 409]
    expect(replies.map(({ status }) => status)).toEqual(replies.map((_, n) => expected[n % 4]))
    for (let n = 0; n < WRITERS * 2; n += 4) {
      const { items } = (await call('GET', `states/task/own${n}/history`)).body
      expect(items).toMatchObject([{ version: 1, actor: `user:u${n}`, correlationId: `c${n}` }])
    }
  })

  test('of simultaneous creations one creates, the others change what they find', async () => {
    const { call, by } = await build()

    for (let round = 0; round < 5; round += 1) {
      const id = `t${round}`
      const replies: Reply[] = await Promise.all(
        Array.from({ length: WRITERS }, (_, n) =>
          by(n)('POST', 'states/task', { entityId: id, metadata: { n } }),
        ),
      )
      expect(replies.filter(({ status }) => status === 201)).toHaveLength(1)
      expect((await call('GET', `states/task/${id}`)).body.version).toBe(WRITERS)
    }
  })

  test('of simultaneous If-None-Match: * one creates, the others hear of it', async () => {
    const { by } = await build()

    const replies = await Promise.all(
      Array.from({ length: WRITERS }, (_, n) =>
        by(n)('POST', 'states/task', { entityId: 'a' }, { 'if-none-match': '*' }),
      ),
    )

    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(replies.filter(({ status }) => status === 412)).toHaveLength(WRITERS - 1)
  })

  test('creations and deletions in a race keep one line of versions', async () => {
    const { call, by } = await build()

    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        n % 3 === 0
          ? by(n)('DELETE', 'states/task/a')
          : by(n)('POST', 'states/task', { entityId: 'a', metadata: { n } }),
      ),
    )

    const { items } = (await call('GET', 'states/task/a/history?order=asc&limit=500')).body
    expect(items.map(({ version }: { version: number }) => version)).toEqual(
      items.map((_: unknown, index: number) => index + 1),
    )
    for (const [index, item] of items.entries()) {
      expect(item.previousStatus).toBe(index === 0 ? null : items[index - 1].newStatus)
    }
  })
}

describeDatabases('concurrent writers', suite)

describeSqlite('group commit', (store) => {
  test('writes that arrive together share a commit, and one that fails does not undo its neighbour', async () => {
    const { app, call } = await createStateService({ place: await store.place() })
    const before = app.store.stats()

    const replies = await Promise.all(
      Array.from({ length: 32 }, (_, n) =>
        call('POST', 'states/task', {
          entityId: `t${n}`,
          status: n % 4 === 0 ? 'completed' : 'created',
        }),
      ),
    )

    const { commits, writes } = app.store.stats()
    expect(replies.filter(({ status }) => status === 409)).toHaveLength(8)
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(24)
    expect(writes - before.writes).toBe(24)
    // How many share one on a machine that is not busy is for the bench to say.
    expect(commits - before.commits).toBeLessThanOrEqual(12)
  })
})

async function historyOf(call: ReturnType<typeof callerOf>, id: string) {
  const items: { version: number; metadata: { n: number } }[] = []
  let cursor: string | undefined
  do {
    const after = cursor === undefined ? '' : `&cursor=${cursor}`
    const { body } = await call('GET', `states/task/${id}/history?order=asc&limit=500${after}`)
    items.push(...body.items)
    cursor = body.nextCursor
  } while (cursor !== undefined)
  return items
}

describePostgres('the database away', (store) => {
  test('answers are 503 with Retry-After; when it is back everything goes on', async () => {
    const { call } = await createStateService({ place: await store.place() })
    await call('POST', 'states/task', { entityId: 'a' })

    await store.server().shutDown()
    const write = await call('PUT', 'states/task/a', { status: 'pending' })
    const read = await call('GET', 'states/task/a')
    const list = await call('GET', 'states/task?metadata.x=1')
    const ready = await call('GET', '/health/readiness')
    await store.server().start()

    for (const reply of [write, read, list]) {
      expect(reply).toMatchObject({
        status: 503,
        headers: { 'retry-after': expect.stringMatching(/^\d+$/u) as string },
        body: { code: 'DATABASE_UNAVAILABLE' },
      })
    }
    expect(ready).toMatchObject({ status: 503, body: { ready: false } })
    expect((await call('PUT', 'states/task/a', { status: 'pending' })).body.version).toBe(2)
    expect((await call('GET', '/health/readiness')).body).toEqual({ ready: true })
  })

  test('restarted and killed under load: 503 with Retry-After meanwhile, nothing acknowledged is lost', async () => {
    const place = await store.place()
    const { call: one } = await createStateService({ place })
    const { call: other } = await createStateService({ place })
    const acknowledged: { id: string; version: number; n: number }[] = []
    const refusals: Reply[] = []
    const over = new AbortController()
    const write = async (call: typeof one, writer: number) => {
      for (let n = 0; !over.signal.aborted; n += 1) {
        const id = `t${writer % 4}`
        const reply = await call('POST', 'states/task', { entityId: id, metadata: { writer, n } })
        const { status, body } = reply
        if (status < 300) acknowledged.push({ id, version: body.version, n })
        else refusals.push(reply)
      }
    }
    const writing = [one, other].flatMap((call, replica) =>
      Array.from({ length: 4 }, (_, writer) => write(call, replica * 4 + writer)),
    )
    const grows = async (list: readonly unknown[]) => {
      const before = list.length
      await eventually(() => expect(list.length).toBeGreaterThan(before + 10))
    }

    for (const end of ['shutDown', 'kill', 'shutDown'] as const) {
      await grows(acknowledged)
      await store.server()[end]()
      await grows(refusals)
      await store.server().start()
    }
    await grows(acknowledged)
    over.abort()
    await Promise.all(writing)

    const isHonest = ({ status, headers, body }: Reply): boolean =>
      status === 503 && Number(headers['retry-after']) >= 1 && body.code === 'DATABASE_UNAVAILABLE'
    expect(refusals.filter((reply) => !isHonest(reply))).toEqual([])
    const histories = new Map<string, { version: number; metadata: { n: number } }[]>()
    for (const id of ['t0', 't1', 't2', 't3']) {
      histories.set(id, await historyOf(one, id))
    }
    const lost = acknowledged.filter(
      ({ id, version, n }) => histories.get(id)?.[version - 1]?.metadata.n !== n,
    )
    expect(lost).toEqual([])
    for (const items of histories.values()) {
      expect(items.map(({ version }) => version)).toEqual(items.map((_, index) => index + 1))
    }
  })
})

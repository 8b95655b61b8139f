import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeDatabases, type TestStore } from '@potok/core/testing/databases'
import { createStateService, type Reply } from '../testing/state-service.ts'

/** Random sequences of writes on each store. */
const RUNS = 500

/* The rules once more, as the contract tells them and not as the code has them. */

type Metadata = Record<string, unknown>
interface Version {
  version: number
  event: string
  previousStatus: string | null
  newStatus: string | null
  metadata: Metadata
}
interface Live {
  status: string
  version: number
  metadata: Metadata
}
/** An entity as it should be: what it is now, and every version it had. */
interface Model {
  live: Live | undefined
  history: Version[]
}

const NEXT: Record<string, Record<string, string[]>> = {
  task: {
    new: ['created', 'pending', 'in_progress'],
    created: ['pending', 'in_progress', 'failed'],
    pending: ['in_progress', 'created', 'failed'],
    in_progress: ['completed', 'failed', 'pending', 'created'],
    failed: ['created', 'pending', 'in_progress'],
    completed: ['in_progress'],
  },
  process: {
    new: ['pending', 'running'],
    pending: ['running'],
    running: ['finished', 'pending'],
    finished: [],
  },
  user: {
    new: ['offline', 'online', 'busy'],
    online: ['offline', 'busy'],
    offline: ['online', 'busy'],
    busy: ['online', 'offline'],
  },
}

interface Step {
  op: 'create' | 'upsert' | 'update' | 'patch' | 'delete' | 'heartbeat'
  entity: string
  id: string
  /** Index into the statuses of the type; undefined: none named. */
  status: number | undefined
  metadata: Metadata | undefined
  /** 0: no condition, 1: on the present version, 2: on another one. */
  condition: number
}

function statusOf({ entity, status }: Step): string | undefined {
  const known = Object.keys(NEXT[entity] ?? {}).filter((name) => name !== 'new')
  return status === undefined ? undefined : known[status % known.length]
}

function merged(target: unknown, patch: Metadata): Metadata {
  const result: Metadata = target !== null && typeof target === 'object' ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else if (typeof value === 'object' && !Array.isArray(value)) {
      result[key] = merged(Array.isArray(result[key]) ? {} : result[key], value as Metadata)
    } else result[key] = value
  }
  return result
}

const same = (a: unknown, b: unknown): boolean => {
  const sorted = (value: unknown): unknown =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .map(([key, member]) => [key, sorted(member)] as const)
            .toSorted(([x], [y]) => (x < y ? -1 : 1)),
        )
      : value
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

/** Does a step to the model and tells the HTTP status that it deserves. */
function apply(model: Model, step: Step, version: number | undefined): number {
  const { op, entity } = step
  const { live, history } = model
  const status = statusOf(step)
  if (live === undefined && op !== 'create' && op !== 'upsert') return 404
  if (live !== undefined && op === 'create') return 412
  if (version !== undefined && version !== live?.version) return 412
  const number = (history.at(-1)?.version ?? 0) + 1
  if (live === undefined) {
    const first = status ?? NEXT[entity]?.['new']?.[0] ?? ''
    if (!NEXT[entity]?.['new']?.includes(first)) return 409
    const metadata = step.metadata ?? {}
    model.live = { status: first, version: number, metadata }
    const names = { event: 'entity.created', previousStatus: null, newStatus: first }
    history.push({ version: number, ...names, metadata })
    return 201
  }
  if (op === 'delete') {
    model.live = undefined
    const names = { event: 'entity.deleted', previousStatus: live.status, newStatus: null }
    history.push({ version: number, ...names, metadata: live.metadata })
    return 204
  }
  if (op === 'heartbeat') return entity === 'user' && live.status !== 'offline' ? 200 : 409
  const next = status ?? live.status
  if (next !== live.status && !NEXT[entity]?.[live.status]?.includes(next)) return 409
  const given = step.metadata ?? live.metadata
  const metadata =
    op === 'patch' && step.metadata !== undefined ? merged(live.metadata, step.metadata) : given
  if (next === live.status && same(metadata, live.metadata)) return 200
  const names = { event: 'entity.updated', previousStatus: live.status, newStatus: next }
  model.live = { status: next, version: number, metadata }
  history.push({ version: number, ...names, metadata })
  return 200
}

const value = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.boolean(),
  fc
    .string({ unit: 'grapheme', maxLength: 4 })
    .filter((text) => text.isWellFormed() && !text.includes('\0')),
  fc.constant(null),
  fc.array(fc.constantFrom('x', 'y', 1), { maxLength: 2 }),
  fc.dictionary(fc.constantFrom('p', 'q'), fc.constantFrom(1, 'z', null), { maxKeys: 2 }),
)
const metadata = fc.dictionary(fc.constantFrom('tags', 'assignee', 'n', 'о'), value, {
  maxKeys: 3,
  noNullPrototype: true,
})
const step: fc.Arbitrary<Step> = fc.record({
  op: fc.constantFrom(
    'create',
    'upsert',
    'upsert',
    'update',
    'update',
    'patch',
    'delete',
    'heartbeat',
  ),
  entity: fc.constantFrom('task', 'task', 'process', 'user'),
  id: fc.constantFrom('a', 'b'),
  status: fc.option(fc.nat(4), { nil: undefined }),
  metadata: fc.option(metadata, { nil: undefined }),
  condition: fc.constantFrom(0, 0, 0, 1, 2),
})
type Action = Step | { mode: 'atomic' | 'partial'; steps: Step[] }
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: step },
  {
    weight: 1,
    arbitrary: fc.record({
      mode: fc.constantFrom('atomic', 'partial'),
      steps: fc.array(
        step.filter(({ op }) => op !== 'heartbeat'),
        { minLength: 1, maxLength: 6 },
      ),
    }),
  },
)

type Call = Awaited<ReturnType<typeof createStateService>>['call']

/** One sequence: entities of its own in a store that all share. */
function createRun(call: Call, run: number) {
  const models = new Map<string, Model>()
  const idOf = ({ id }: Step) => `r${run}-${id}`
  const modelOf = (one: Step): Model => {
    const key = `${one.entity}/${idOf(one)}`
    const known = models.get(key)
    if (known !== undefined) return known
    const model: Model = { live: undefined, history: [] }
    models.set(key, model)
    return model
  }
  const versionFor = ({ live }: Model, { condition }: Step): number | undefined =>
    condition === 0 ? undefined : (live?.version ?? 0) + (condition === 1 ? 0 : 1) || 1

  const bodyOf = (one: Step) => {
    const status = statusOf(one)
    return {
      ...(status === undefined ? {} : { status }),
      ...(one.metadata === undefined ? {} : { metadata: one.metadata }),
    }
  }

  function send(one: Step, version: number | undefined): Promise<Reply> {
    const url = `states/${one.entity}/${idOf(one)}`
    const headers = version === undefined ? {} : { 'if-match': `"${version}"` }
    const body = bodyOf(one)
    switch (one.op) {
      case 'create':
        return call(
          'POST',
          `states/${one.entity}`,
          { entityId: idOf(one), ...body },
          {
            ...headers,
            'if-none-match': '*',
          },
        )
      case 'upsert':
        return call('POST', `states/${one.entity}`, { entityId: idOf(one), ...body }, headers)
      case 'update':
        return call('PUT', url, body, headers)
      case 'patch':
        return call('PATCH', url, body, headers)
      case 'delete':
        return call('DELETE', url, undefined, headers)
      case 'heartbeat':
        return call('POST', `${url}/heartbeat`, undefined, headers)
    }
  }

  async function doStep(one: Step): Promise<void> {
    // An empty body is no change, and refused as such.
    if ((one.op === 'update' || one.op === 'patch') && Object.keys(bodyOf(one)).length === 0) return
    const model = modelOf(one)
    const version = versionFor(model, one)
    const reply = await send(one, version)
    const status = apply(model, one, version)
    expect({ one, status: reply.status }).toEqual({ one, status })
    expect(reply).toMatchObject({ status, ...(status < 204 ? { body: model.live } : {}) })
  }

  async function doBatch(mode: 'atomic' | 'partial', steps: Step[]): Promise<void> {
    const backup = structuredClone([...models])
    const versions: (number | undefined)[] = []
    const statuses = steps.map((one) => {
      const model = modelOf(one)
      const version = versionFor(model, one)
      versions.push(version)
      return apply(model, one, version)
    })
    const operations = steps.map((one, index) => ({
      op: one.op,
      entity: one.entity,
      entityId: idOf(one),
      ...bodyOf(one),
      ...(versions[index] === undefined ? {} : { ifVersion: versions[index] }),
    }))
    const { status, body } = await call('POST', 'states/batch', { mode, operations })
    const failed = statuses.findIndex((one) => one >= 400)
    if (mode === 'atomic' && failed >= 0) {
      expect({ status, index: body.index }).toEqual({ status: statuses[failed], index: failed })
      models.clear()
      for (const [key, model] of backup) models.set(key, model)
      return
    }
    expect(body.results?.map((result: Reply) => result.status)).toEqual(statuses)
  }

  return {
    models,
    act: (one: Action) => ('mode' in one ? doBatch(one.mode, one.steps) : doStep(one)),
  }
}

const GONE = { status: 404 }

/** State, history, as-of and counts of a sequence agree with its model. */
async function compare(call: Call, run: number, models: Map<string, Model>): Promise<void> {
  for (const [key, { live, history }] of models) {
    const now = await call('GET', `states/${key}`)
    expect(now).toMatchObject(live === undefined ? GONE : { status: 200, body: live })
    expect(now.body.metadata).toEqual(live?.metadata)
    if (history.length > 0) await comparePast(call, key, history)
  }
  const counts = await call('POST', 'states/query', {
    entity: 'task',
    where: { entityId: { startsWith: `r${run}-` } },
    groupBy: 'status',
  })
  const expected = new Map<string, number>()
  for (const [key, { live }] of models) {
    if (live !== undefined && key.startsWith('task/')) {
      expected.set(live.status, (expected.get(live.status) ?? 0) + 1)
    }
  }
  const found = counts.body.items.map(
    ({ value: status, count }: { value: string; count: number }) => [status, count],
  )
  expect(new Map(found)).toEqual(expected)
}

async function comparePast(call: Call, key: string, history: Version[]): Promise<void> {
  const { body } = await call('GET', `states/${key}/history?order=asc&limit=500`)
  expect(body.items).toMatchObject(history)
  const middle = body.items[Math.floor(body.items.length / 2)]
  const asOf = await call('GET', `states/${key}?version=${middle.version}`)
  const then = await call('GET', `states/${key}?at=${middle.timestamp}`)
  const held = body.items.findLast(
    (item: { timestamp: string }) => item.timestamp <= middle.timestamp,
  )
  const shown = ({ version, newStatus, metadata: kept }: Version) =>
    newStatus === null
      ? GONE
      : { status: 200, body: { version, status: newStatus, metadata: kept } }
  expect(asOf).toMatchObject(shown(middle))
  expect(then).toMatchObject(shown(held))
}

function suite(store: TestStore): void {
  test(`${RUNS} random sequences of writes leave what the model says`, async () => {
    const { call } = await createStateService({ place: await store.place() })
    let run = 0
    const property = fc.asyncProperty(
      fc.array(action, { minLength: 1, maxLength: 16 }),
      async (actions) => {
        run += 1
        const { act, models } = createRun(call, run)
        for (const one of actions) await act(one)
        await compare(call, run, models)
      },
    )

    const details = await fc.check(property, { numRuns: RUNS })

    expect(fc.defaultReportMessage(details)).toBeUndefined()
    expect(details.numRuns).toBe(RUNS)
  }, 180_000)
}

describeDatabases('the model', suite)

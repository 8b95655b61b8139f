import { expect, test } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { createMemory } from '../lib/memory.ts'
import { StateCache, type Loaded, type Outcome, type Remembered } from './state-cache.ts'
import { createTimeToLive } from './ttl-rules.ts'

const NO_TAGS = { keys: [], ttlMs: 0 }

function build(options: { ttl?: string; current?: () => boolean } = {}) {
  const clock = { now: 0 }
  const counted: Outcome[] = []
  const cache = new StateCache({
    memory: createMemory<Remembered>({ entries: 1000, characters: 1_000_000 }),
    keepsBodies: true,
    levels: [],
    ttl: createTimeToLive(options.ttl),
    degradedTtlMs: 5000,
    isCurrent: options.current ?? (() => true),
    count: (outcome) => counted.push(outcome),
    now: () => clock.now,
  })
  return { cache, clock, counted }
}

const state = (version: number, more: Partial<Loaded> = {}): Loaded => ({
  version,
  body: `{"version":${version}}`,
  lasting: true,
  ...more,
})

/** A store that answers when it is told to. */
function slowStore() {
  const asked: ((answer: Loaded | Error) => void)[] = []
  const load = () =>
    new Promise<Loaded>((resolve, reject) => {
      asked.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)))
    })
  return { asked, load }
}

const written = (version: number, more = {}) => ({
  entity: 'task',
  id: 't1',
  version,
  body: `{"version":${version}}`,
  touched: false,
  ...more,
})

test('one miss is under way for a key, however many ask', async () => {
  const { cache, counted } = build()
  const { asked, load } = slowStore()

  const readers = Array.from({ length: 100 }, () => cache.find('task', 't1', load))
  const other = cache.find('task', 't2', load)
  await eventually(() => expect(asked).toHaveLength(2))
  for (const answer of asked) answer(state(3))

  const found = await Promise.all([...readers, other])
  expect(new Set(found.map(({ version, level }) => `${version} ${level}`))).toEqual(
    new Set(['3 miss']),
  )
  expect(counted).toHaveLength(101)
  expect(await cache.find('task', 't1', load)).toMatchObject({ level: 'local', version: 3 })
})

test('a failed miss is told to all who waited and leaves nothing behind', async () => {
  const { cache } = build()
  const { asked, load } = slowStore()

  const readers = [cache.find('task', 't1', load), cache.find('task', 't1', load)]
  await eventually(() => expect(asked).toHaveLength(1))
  asked[0]?.(new Error('the store is away'))

  const outcomes = await Promise.allSettled(readers)
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await cache.find('task', 't1', async () => state(1))).toMatchObject({ level: 'miss' })
})

test('who reads after a write does not wait for a read that began before it', async () => {
  const { cache } = build()
  const { asked, load } = slowStore()
  const before = cache.find('task', 't1', load)
  await eventually(() => expect(asked).toHaveLength(1))

  cache.written([written(2)], NO_TAGS)

  expect(await cache.find('task', 't1', load)).toMatchObject({ version: 2, level: 'local' })
  asked[0]?.(state(1))
  await eventually(() => expect(asked).toHaveLength(2))
  asked[1]?.(state(2))
  expect(await before).toMatchObject({ version: 2 })
  expect(await cache.find('task', 't1', load)).toMatchObject({ version: 2, level: 'local' })
})

test('what another replica wrote is read from the store, and a late read of the old one is done again', async () => {
  const { cache } = build()
  await cache.find('task', 't1', async () => state(1))
  const { asked, load } = slowStore()

  expect(cache.noticed([{ entity: 'task', id: 't1', version: 2 }])).toBe(1)
  const reader = cache.find('task', 't1', load)
  await eventually(() => expect(asked).toHaveLength(1))
  // A replica of the store that lags behind would do this.
  asked[0]?.(state(1))
  await eventually(() => expect(asked).toHaveLength(2))
  asked[1]?.(state(2))

  expect(await reader).toMatchObject({ version: 2 })
  expect(cache.noticed([{ entity: 'task', id: 't1', version: 2 }])).toBe(0)
  expect(await cache.find('task', 't1', load)).toMatchObject({ version: 2, level: 'local' })
})

test('a deleted state is asked for in the store, and its older versions do not come back', async () => {
  const { cache } = build()
  const { asked, load } = slowStore()
  const late = cache.find('task', 't1', load)
  await eventually(() => expect(asked).toHaveLength(1))
  cache.written([written(2, { body: undefined })], NO_TAGS)
  asked[0]?.(state(1))
  await eventually(() => expect(asked).toHaveLength(2))
  asked[1]?.(new Error('not there'))
  await expect(late).rejects.toThrow('not there')

  const reader = cache.find('task', 't1', load)
  await eventually(() => expect(asked).toHaveLength(3))
  asked[2]?.(new Error('not there'))

  await expect(reader).rejects.toThrow('not there')
})

test('a moved expiry ends the body that had the same version', async () => {
  const { cache } = build()
  await cache.find('task', 't1', async () => state(1))

  cache.written([written(1, { touched: true })], NO_TAGS)

  const expiring = async () => state(1, { body: '{"expiresAt":"later"}', lasting: false })
  for (let times = 0; times < 2; times += 1) {
    expect(await cache.find('task', 't1', expiring)).toMatchObject({
      level: 'miss',
      body: '{"expiresAt":"later"}',
    })
  }
})

test('what was read through from elsewhere is kept until something is written here', async () => {
  const { cache } = build()
  const foreign = async () => state(70, { foreign: true })
  expect(await cache.find('task', 't1', foreign)).toMatchObject({ level: 'miss', version: 70 })
  expect(await cache.find('task', 't1', foreign)).toMatchObject({ level: 'local', version: 70 })

  cache.written([written(1)], NO_TAGS)

  expect(await cache.find('task', 't1', foreign)).toMatchObject({ level: 'local', version: 1 })
})

test('after its time to live a state is asked for anew', async () => {
  const { cache, clock } = build({ ttl: 'state:task:*=10' })
  await cache.find('task', 't1', async () => state(1))

  clock.now = 9999
  expect(await cache.find('task', 't1', async () => state(1))).toMatchObject({ level: 'local' })
  clock.now = 10_000
  expect(await cache.find('task', 't1', async () => state(1))).toMatchObject({ level: 'miss' })
  expect(await cache.find('task', 't1', async () => state(1))).toMatchObject({ level: 'local' })
})

test('with a time to live of 0 nothing is kept', async () => {
  const { cache } = build({ ttl: 'state:task:*=0' })
  await cache.find('task', 't1', async () => state(1))
  cache.written([written(2)], NO_TAGS)

  expect(await cache.find('task', 't1', async () => state(2))).toMatchObject({ level: 'miss' })
})

test('while it is not known what others write nothing is given out from memory', async () => {
  let current = true
  const { cache } = build({ current: () => current })
  await cache.find('task', 't1', async () => state(1))

  current = false
  expect(await cache.find('task', 't1', async () => state(1))).toMatchObject({ level: 'miss' })
  current = true
  expect(await cache.find('task', 't1', async () => state(1))).toMatchObject({ level: 'local' })
})

test('who wants the store gets it, and what it says is kept', async () => {
  const { cache, counted } = build()
  await cache.find('task', 't1', async () => state(1))

  const fetched = await cache.fetch('task', 't1', async () => state(2))

  expect(fetched).toMatchObject({ level: 'miss', version: 2 })
  expect(await cache.find('task', 't1', async () => state(9))).toMatchObject({
    level: 'local',
    version: 2,
  })
  expect(counted).toEqual(['miss', 'bypass', 'local'])
})

test('after a reset nothing that was read before is kept, not even what is still being read', async () => {
  const { cache } = build()
  const { asked, load } = slowStore()
  await cache.find('task', 't2', async () => state(5))
  const before = cache.find('task', 't1', load)
  await eventually(() => expect(asked).toHaveLength(1))

  cache.reset()
  asked[0]?.(state(5))
  await before

  for (const id of ['t1', 't2']) {
    // The store was put back: its versions are smaller than they were.
    expect(await cache.find('task', id, async () => state(1))).toMatchObject({
      level: 'miss',
      version: 1,
    })
  }
})

test('a pattern forgets what it fits and nothing else', async () => {
  const { cache } = build()
  for (const id of ['a1', 'a2', 'b1']) await cache.find('task', id, async () => state(1))

  expect(cache.forget((key) => key.startsWith('state:task:a'))).toBe(2)

  expect(await cache.find('task', 'a1', async () => state(1))).toMatchObject({ level: 'miss' })
  expect(await cache.find('task', 'b1', async () => state(1))).toMatchObject({ level: 'local' })
})

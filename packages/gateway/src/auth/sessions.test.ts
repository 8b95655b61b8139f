import * as fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openDatabase, type Database } from '@potok/core/database'
import { describeDatabases, describePostgres, quietLog } from '@potok/core/testing/databases'
import { authMigrations } from './migrations.ts'
import { createRevocations, type Revocation } from './revocations.ts'
import { createSessions, type SessionsOptions } from './sessions.ts'
import type { AuthTables } from './tables.ts'
import { digestOf, nextSeed, type RefreshToken } from './tokens.ts'
import type { Refreshed } from './refresh.ts'

const GRACE_MS = 10_000
/** No number of ticks comes near to the grace, so that the time that the test itself takes decides nothing. */
const TICK_MS = 2700

const sessionsOver = (database: Database<AuthTables>, options: Partial<SessionsOptions> = {}) =>
  createSessions({
    database,
    refreshTtlMs: 7 * 86_400_000,
    accessTtlMs: 86_400_000,
    parentGraceMs: GRACE_MS,
    perUser: 1000,
    ...options,
  })

const newSession = (userId = 'ann', userVersion = 1) => ({
  userId,
  userVersion,
  username: userId,
  place: '192.0.2.1',
  userAgent: 'test',
})

/** Refresh as the contract says it, over one number: the generation in force. */
interface Model {
  alive: boolean
  generation: number
  rotatedAt: number
}

type Answer = 'refused' | number

/** What presenting the token of a generation must answer, and what it leaves behind. */
function present(model: Model, generation: number, now: number): [Answer, Model] {
  if (!model.alive) return ['refused', model]
  if (generation === model.generation) {
    const next = generation + 1
    return [next, { alive: true, generation: next, rotatedAt: now }]
  }
  const isFreshParent = generation === model.generation - 1 && now - model.rotatedAt <= GRACE_MS
  return isFreshParent ? [model.generation, model] : ['refused', { ...model, alive: false }]
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]]
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => rest.toSpliced(0, 0, item)),
  )
}

/** The model after requests that ran at once, if some order of them explains the answers. */
function explain(
  model: Model,
  asked: readonly number[],
  answers: readonly Answer[],
  now: number,
): Model | undefined {
  for (const order of permutations(asked.map((_generation, index) => index))) {
    let after = model
    const fits = order.every((index) => {
      const [answer, next] = present(after, asked[index] ?? 0, now)
      after = next
      return answer === answers[index]
    })
    if (fits) return after
  }
  return undefined
}

const ACTORS = ['tab 1', 'tab 2', 'tab 3', 'thief'] as const
const actor = fc.constantFrom(...ACTORS)

/** What can happen to a session: tabs and the thief come one by one or at once, tokens change hands, time goes by. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('refresh' as const),
      who: fc.array(actor, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('copy' as const), from: actor, to: actor }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.integer({ min: 1, max: 8 }).map((ticks) => ticks * TICK_MS),
    }),
  },
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const answerOf = (refreshed: Refreshed): Answer =>
  'token' in refreshed ? refreshed.token.generation : 'refused'

/** Plays steps on a session of its own and says what no order of the requests explains. */
function createPlay(database: Database<AuthTables>) {
  const sessions = sessionsOver(database)
  let shift = 0

  async function play(steps: readonly Step[]): Promise<string[]> {
    const { token: first } = await sessions.create(newSession())
    const held = new Map<string, RefreshToken>(ACTORS.map((name) => [name, first]))
    const seeds = new Map([[1, first.seed]])
    const wrong: string[] = []
    let model: Model = { alive: true, generation: 1, rotatedAt: shift }

    async function refresh(who: readonly string[]): Promise<void> {
      const tokens = who.map((name) => held.get(name) ?? first)
      const refreshed = await Promise.all(tokens.map((token) => sessions.refresh(token)))
      const asked = tokens.map(({ generation }) => generation)
      const answers = refreshed.map(answerOf)
      const after = explain(model, asked, answers, shift)
      if (after === undefined) wrong.push(JSON.stringify({ model, asked, answers }))
      model = after ?? model
      for (const [index, answer] of refreshed.entries()) {
        if (!('token' in answer)) continue
        const { generation, seed } = answer.token
        if ((seeds.get(generation) ?? seed) !== seed) wrong.push(`two tokens of ${generation}`)
        seeds.set(generation, seed)
        held.set(who[index] ?? '', answer.token)
      }
    }

    for (const one of steps) {
      if (one.kind === 'refresh') await refresh(one.who)
      else if (one.kind === 'copy') held.set(one.to, held.get(one.from) ?? first)
      else {
        shift += one.ms
        database.setClockOffset(shift)
      }
    }
    const verdicts = await Promise.all([...held.values()].map((token) => sessions.inspect(token)))
    const isUsable = verdicts.some(({ verdict }) => verdict === 'rotate' || verdict === 'repeat')
    if (!model.alive && isUsable) wrong.push('a token outlived its session')
    return wrong
  }
  return play
}

describeDatabases('refresh', (store) => {
  test('answers as the contract says, whatever three tabs and a thief do in whatever order', async () => {
    const play = createPlay(await store.open<AuthTables>(authMigrations))

    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        expect(await play(steps)).toEqual([])
      }),
      { numRuns: store.dialect === 'sqlite' ? 300 : 60 },
    )
  }, 120_000)

  test('tabs that share what they get are never logged out, however they race', async () => {
    const database = await store.open<AuthTables>(authMigrations)
    const sessions = sessionsOver(database)
    let { token } = await sessions.create(newSession())
    for (let round = 1; round <= 10; round += 1) {
      const answers = await Promise.all([token, token, token].map((one) => sessions.refresh(one)))
      for (const answer of answers) {
        if (!('token' in answer)) throw new Error(`refused in round ${round}`)
        expect(answer.token).toEqual({ ...token, ...answer.token, generation: round + 1 })
        token = answer.token
      }
      database.setClockOffset(round * 60_000)
    }
  })

  test('a change of a person ends their sessions from before it, refreshed or not, and no other', async () => {
    const sessions = sessionsOver(await store.open<AuthTables>(authMigrations))
    const { token: old } = await sessions.create(newSession('ann', 3))
    const { token: older } = await sessions.create(newSession('ann', 2))
    const { token: young } = await sessions.create(newSession('ann', 4))
    const { token: other } = await sessions.create(newSession('bob', 1))
    const refreshed = await sessions.refresh(old)
    if (!('token' in refreshed)) throw new Error('refused')

    expect((await sessions.endOlder('ann', 4)).toSorted()).toEqual([old.sid, older.sid].toSorted())
    expect(await sessions.endOlder('ann', 4)).toEqual([])

    const verdicts = [refreshed.token, older, young, other].map(
      async (token) => (await sessions.inspect(token)).verdict,
    )
    expect(await Promise.all(verdicts)).toEqual(['refused', 'refused', 'rotate', 'rotate'])
  })

  test('the store gives neither a token away nor what follows it', async () => {
    const database = await store.open<AuthTables>(authMigrations)
    const sessions = sessionsOver(database)
    const { token } = await sessions.create(newSession())
    const child = await sessions.refresh(token)

    const stored = JSON.stringify(
      await database.kysely.selectFrom('auth_sessions').selectAll().execute(),
    )
    expect('token' in child).toBe(true)
    for (const seed of [token.seed, nextSeed(token.seed), nextSeed(nextSeed(token.seed))]) {
      expect(stored).not.toContain(seed)
    }
    expect(stored).toContain(digestOf(token))
  })

  test('a token whose seed is not the one of its generation is refused and harms nobody', async () => {
    const database = await store.open<AuthTables>(authMigrations)
    const sessions = sessionsOver(database)
    const { token } = await sessions.create(newSession())

    expect(await sessions.refresh({ ...token, seed: 'guessed' })).toEqual({ verdict: 'refused' })
    expect(await sessions.refresh({ ...token, generation: 9 })).toEqual({ verdict: 'refused' })
    expect(await sessions.refresh({ ...token, sid: 'unknown' })).toEqual({ verdict: 'refused' })
    expect(await sessions.refresh(token)).toMatchObject({ verdict: 'rotate' })
  })
})

describeDatabases('the deny-list', (store) => {
  function denyList(
    sessions: ReturnType<typeof sessionsOver>,
    { now, pollMs = 20 }: { now?: () => number; pollMs?: number } = {},
  ) {
    const revocations = createRevocations({
      load: (since) => sessions.revokedSince(since),
      accessTtlMs: 86_400_000,
      pollMs,
      overlapMs: 15_000,
      staleAfterMs: 30_000,
      log: quietLog,
      ...(now !== undefined && { now }),
    })
    onTestFinished(() => revocations.stop())
    return revocations
  }

  test('knows at its start what had ended before, and forgets what no token can be of', async () => {
    const database = await store.open<AuthTables>(authMigrations)
    const sessions = sessionsOver(database)
    const { token: old } = await sessions.create(newSession())
    await sessions.end(old.sid, 'ann', 'logout')
    database.setClockOffset(86_400_001)
    const { token: fresh } = await sessions.create(newSession())
    await sessions.end(fresh.sid, 'ann', 'logout')
    const { token: living } = await sessions.create(newSession())

    const revocations = denyList(sessions)
    await revocations.start()

    expect([old, fresh, living].map(({ sid }) => revocations.has(sid))).toEqual([
      false,
      true,
      false,
    ])
    database.setClockOffset(2 * 86_400_001 + 1000)
    await vi.waitFor(() => expect(revocations.has(fresh.sid)).toBe(false))
  })

  test('tells each end once, whether it happened here or was read', async () => {
    const database = await store.open<AuthTables>(authMigrations)
    const sessions = sessionsOver(database)
    const revocations = denyList(sessions)
    await revocations.start()
    const told: [Revocation, endedHere: boolean][] = []
    const stop = revocations.onRevoked((...ended) => told.push(ended))
    const [{ token: here }, { token: there }, { token: unheard }] = await Promise.all([
      sessions.create(newSession()),
      sessions.create(newSession('bob')),
      sessions.create(newSession('eve')),
    ])

    await sessions.end(here.sid, 'ann', 'logout')
    revocations.announce({ sid: here.sid, userId: 'ann' })
    expect(revocations.has(here.sid)).toBe(true)
    await sessions.end(there.sid, 'bob', 'logout')
    await vi.waitFor(() => expect(revocations.has(there.sid)).toBe(true))
    stop()
    await sessions.end(unheard.sid, 'eve', 'logout')
    await vi.waitFor(() => expect(revocations.has(unheard.sid)).toBe(true))

    expect(told).toEqual([
      [{ sid: here.sid, userId: 'ann' }, true],
      [{ sid: there.sid, userId: 'bob' }, false],
    ])
  })

  test('looks at once when it is told to', async () => {
    const database = await store.open<AuthTables>(authMigrations)
    const sessions = sessionsOver(database)
    const revocations = denyList(sessions, { pollMs: 3_600_000 })
    await revocations.start()
    const { token } = await sessions.create(newSession())
    await sessions.end(token.sid, 'ann', 'logout')

    revocations.lookNow()

    await vi.waitFor(() => expect(revocations.has(token.sid)).toBe(true))
  })

  test('lets nobody in when it could not be read for too long', async () => {
    const database = await store.open<AuthTables>(authMigrations)
    let now = 0
    const revocations = denyList(sessionsOver(database), { now: () => now })
    await revocations.start()
    expect(revocations.has('any')).toBe(false)

    await database.close()
    now = 30_001

    expect(() => revocations.has('any')).toThrow(
      expect.objectContaining({ code: 'AUTH_REVOCATIONS_STALE', statusCode: 503 }),
    )
  })
})

describePostgres('two replicas', (store) => {
  test('a session that ended on one is refused on the other within a second', async () => {
    const place = await store.place()
    const replica = async () => {
      const database = await openDatabase<AuthTables>({
        ...place,
        migrations: authMigrations,
        log: quietLog,
      })
      onTestFinished(() => database.close())
      return database
    }
    const [one, other] = [await replica(), await replica()]
    const there = createRevocations({
      load: (since) => sessionsOver(other).revokedSince(since),
      accessTtlMs: 86_400_000,
      pollMs: 500,
      overlapMs: 15_000,
      staleAfterMs: 30_000,
      log: quietLog,
    })
    onTestFinished(() => there.stop())
    await there.start()
    const here = sessionsOver(one)
    const { token } = await here.create(newSession())

    await here.end(token.sid, 'ann', 'logout')
    const endedAt = performance.now()

    await vi.waitFor(() => expect(there.has(token.sid)).toBe(true), { interval: 10 })
    expect(performance.now() - endedAt).toBeLessThan(1000)
  })
})

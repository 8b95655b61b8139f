import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { TokenPair } from '@potok/contracts/auth'
import { readConfig } from '@potok/core/config'
import { createLogger } from '@potok/core/logging'
import { createServer } from '@potok/core/server'
import { createParser } from '@potok/core/validation'
import { Config } from '../config.ts'
import store from '../store/index.ts'
import { person, startAdminService, type Person } from '../testing/admin-service.ts'
import upstreams from '../upstreams/index.ts'
import auth, { type AuthOptions } from './index.ts'

const parsePair = createParser(TokenPair)

const OPTIONS: AuthOptions = {
  accessSecrets: 'the current secret of tests',
  accessTtlMs: 60_000,
  refreshSecrets: 'the current refresh secret',
  refreshTtlMs: 600_000,
  revocationPollMs: 50,
}

const inAMinute = (): number => Math.floor(Date.now() / 1000) + 60

/** A token made without our library, so that it can be wrong in any way. */
function signed(claims: object, { alg = 'HS256', secret = OPTIONS.accessSecrets } = {}): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg, typ: 'JWT' })}.${part(claims)}`
  const hmac = createHmac(alg === 'HS512' ? 'sha512' : 'sha256', secret).update(text)
  return `${text}.${hmac.digest('base64url')}`
}

const CLAIMS = {
  sub: 'ann',
  sid: 's',
  roles: ['admin'],
  iss: 'potok-gateway',
  aud: 'potok',
  iat: 1,
}

async function startAdmin(people: Person[] = [person('ann', { roles: ['member'] })]) {
  const admin = await startAdminService(people)
  onTestFinished(() => admin.close())
  return admin
}

function temporaryDirectory(): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'potok-auth-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  return dataDir
}

async function build(
  adminUrl: string,
  options: Partial<AuthOptions> = {},
  dataDir = temporaryDirectory(),
) {
  const lines: Record<string, unknown>[] = []
  const config = readConfig(Config, { LOG_FORMAT: 'json', TRUSTED_PROXIES: '127.0.0.1' })
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>)
      done()
    },
  })
  const app = await createServer({
    config,
    logger: createLogger(config, destination),
    health: { prefix: '/api/v1/health' },
    metricsPath: '/api/v1/metrics',
    docs: { path: '/api/docs', title: 'Test', description: 'A test', security: 'bearer' },
  })
  onTestFinished(() => app.close())
  await app.register(store, { url: undefined, poolSize: 2, dataDir })
  await app.register(upstreams, {
    admin: { url: adminUrl, apiKey: 'gateway-service-key' },
    state: { url: 'http://127.0.0.1:1', apiKey: 'unused' },
    task: undefined,
    breaker: { failureThreshold: 5, successThreshold: 2, resetMs: 60_000 },
    deadlineMs: 2000,
    bodyLimitBytes: 1024,
  })
  await app.register(auth, { ...OPTIONS, ...options })
  await app.ready()
  return { app, lines, ...callers(app) }
}

type App = Awaited<ReturnType<typeof createServer>>

function callers(app: App) {
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: `/api/v1/auth/${path}`, body, headers })
  return {
    post,
    login: (username: string, password = `password of ${username}`, from = '192.0.2.1') =>
      post('login', { username, password }, { 'x-forwarded-for': from }),
    refresh: (refresh_token: string) => post('refresh', { refresh_token }),
    get: (path: string, token: string) =>
      app.inject({ url: `/api/v1/auth/${path}`, headers: { authorization: `Bearer ${token}` } }),
    send: (method: 'POST' | 'DELETE', path: string, token: string) =>
      app.inject({
        method,
        url: `/api/v1/auth/${path}`,
        headers: { authorization: `Bearer ${token}` },
      }),
  }
}

test('a person logs in, asks who they are, and logs out', async () => {
  const admin = await startAdmin([person('ann', { roles: ['member', 'manager'], maxUserId: 7 })])
  const { login, get, send } = await build(admin.url)

  const answer = await login('Ann', 'password of ann')
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['cache-control']).toBe('no-store')
  const pair = parsePair(answer.json())
  expect(pair).toMatchObject({ token_type: 'Bearer', expires_in: 60 })

  const profile = await get('profile', pair.access_token)
  expect(profile.json()).toEqual({
    id: 'ann',
    username: 'ann',
    displayName: 'Person ann',
    roles: ['member', 'manager'],
    maxUserId: 7,
  })
  expect((await send('POST', 'logout', pair.access_token)).statusCode).toBe(204)
  const after = await get('profile', pair.access_token)
  expect(after.statusCode).toBe(401)
  expect(after.json()).toMatchObject({ code: 'AUTH_SESSION_ENDED' })
  expect(after.headers['www-authenticate']).toContain('Bearer')
})

test('the admin service is asked with our key and the correlation id of the caller', async () => {
  const admin = await startAdmin()
  const { post } = await build(admin.url)

  await post('login', { username: 'ann', password: 'x' }, { 'x-correlation-id': 'corr-1' })

  expect(admin.asked).toEqual([
    { route: 'POST /api/v1/users/verify', correlationId: 'corr-1', apiKey: 'gateway-service-key' },
  ])
})

test('an unknown name, a wrong password and an inactive person get one and the same answer', async () => {
  const admin = await startAdmin([
    person('ann', { roles: ['member'] }),
    person('gone', { roles: ['member'], active: false }),
  ])
  const { login } = await build(admin.url)

  const answers = await Promise.all([login('nobody'), login('ann', 'wrong'), login('gone')])

  const [first, ...others] = answers.map((answer) => {
    const { correlationId: _id, ...problem } = answer.json() as Record<string, unknown>
    return { status: answer.statusCode, problem }
  })
  expect(first).toMatchObject({ status: 401, problem: { code: 'AUTH_CREDENTIALS_REFUSED' } })
  for (const other of others) expect(other).toEqual(first)
  expect(answers[0].headers['www-authenticate']).toContain('Bearer')
})

test.each([
  ['no header', undefined, 'AUTH_TOKEN_MISSING'],
  ['another scheme', 'Basic YTpi', 'AUTH_TOKEN_MISSING'],
  ['no token', 'Bearer ', 'AUTH_TOKEN_MISSING'],
  ['two tokens', 'Bearer a b', 'AUTH_TOKEN_MISSING'],
  ['nonsense', 'Bearer abc', 'AUTH_TOKEN_INVALID'],
  ['an unsigned token', `Bearer ${unsigned()}`, 'AUTH_TOKEN_INVALID'],
])('%s is 401 and says how', async (_case, authorization, code) => {
  const admin = await startAdmin()
  const { app } = await build(admin.url)

  const answer = await app.inject({
    url: '/api/v1/auth/profile',
    headers: authorization === undefined ? {} : { authorization },
  })

  expect(answer.statusCode).toBe(401)
  expect(answer.json()).toMatchObject({ code })
  expect(answer.headers['www-authenticate']).toContain('Bearer')
})

function unsigned(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none', typ: 'JWT' })}.${part({ ...CLAIMS, exp: inAMinute() })}.`
}

test('a refresh token is no access token, nor the other way round', async () => {
  const admin = await startAdmin()
  const { login, get, refresh } = await build(admin.url, {
    accessSecrets: 'one secret for both kinds',
    refreshSecrets: 'one secret for both kinds',
  })
  const pair = parsePair((await login('ann')).json())

  expect((await get('profile', pair.refresh_token)).json()).toMatchObject({
    code: 'AUTH_TOKEN_INVALID',
  })
  expect((await refresh(pair.access_token)).json()).toMatchObject({
    code: 'AUTH_REFRESH_TOKEN_REFUSED',
  })
})

test.each([
  ['another issuer', signed({ ...CLAIMS, exp: inAMinute(), iss: 'somebody' })],
  ['another audience', signed({ ...CLAIMS, exp: inAMinute(), aud: 'somewhere' })],
  ['another algorithm', signed({ ...CLAIMS, exp: inAMinute() }, { alg: 'HS512' })],
  ['another secret', signed({ ...CLAIMS, exp: inAMinute() }, { secret: 'what attackers have' })],
  ['no end', signed(CLAIMS)],
  ['no session', signed({ ...CLAIMS, sid: undefined, exp: inAMinute() })],
  ['no roles', signed({ ...CLAIMS, roles: undefined, exp: inAMinute() })],
  ['a role that there is not', signed({ ...CLAIMS, roles: ['root'], exp: inAMinute() })],
  ['a subject that is no id', signed({ ...CLAIMS, sub: 'a b', exp: inAMinute() })],
])('a token with %s is refused', async (_case, token) => {
  const admin = await startAdmin()
  const { get } = await build(admin.url)

  expect((await get('sessions', token)).json()).toMatchObject({ code: 'AUTH_TOKEN_INVALID' })
  const good = signed({ ...CLAIMS, exp: inAMinute() })
  expect((await get('sessions', good)).statusCode).toBe(200)
})

test('an expired token says that it has expired', async () => {
  const admin = await startAdmin()
  const { login, get } = await build(admin.url, { accessTtlMs: 1000 })
  const { access_token: token } = parsePair((await login('ann')).json())

  await vi.waitFor(
    async () => {
      expect((await get('sessions', token)).json()).toMatchObject({ code: 'AUTH_TOKEN_EXPIRED' })
    },
    { timeout: 5000, interval: 100 },
  )
})

test('tokens of the previous secret are believed, new ones are of the current', async () => {
  const admin = await startAdmin()
  const dataDir = temporaryDirectory()
  const before = await build(admin.url, {}, dataDir)
  const old = parsePair((await before.login('ann')).json())
  await before.app.close()

  const { get, refresh } = await build(
    admin.url,
    {
      accessSecrets: `a brand new secret, ${OPTIONS.accessSecrets}`,
      refreshSecrets: `a brand new refresh secret,${OPTIONS.refreshSecrets}`,
    },
    dataDir,
  )
  expect((await get('profile', old.access_token)).statusCode).toBe(200)
  const fresh = parsePair((await refresh(old.refresh_token)).json())
  expect((await get('profile', fresh.access_token)).statusCode).toBe(200)
  expect((await refresh(fresh.refresh_token)).statusCode).toBe(200)
})

test('a secret that is too short keeps the process from starting', async () => {
  const admin = await startAdmin()
  await expect(build(admin.url, { accessSecrets: 'a long enough secret,short' })).rejects.toThrow(
    'JWT_SECRET',
  )
})

test('a refresh token works once; its parent gets the same child for ten seconds', async () => {
  const admin = await startAdmin()
  const { app, login, refresh } = await build(admin.url)
  const first = parsePair((await login('ann')).json())

  const [tabA, tabB] = await Promise.all([
    refresh(first.refresh_token),
    refresh(first.refresh_token),
  ])
  expect([tabA?.statusCode, tabB?.statusCode]).toEqual([200, 200])
  const second = parsePair(tabA?.json())
  expect(parsePair(tabB?.json()).refresh_token).toBe(second.refresh_token)
  expect(second.refresh_token).not.toBe(first.refresh_token)

  app.store.setClockOffset(9_000)
  expect(parsePair((await refresh(first.refresh_token)).json()).refresh_token).toBe(
    second.refresh_token,
  )
  expect((await refresh(second.refresh_token)).statusCode).toBe(200)
})

test('a refresh token that was replaced long ago ends the whole session, and the log says so', async () => {
  const admin = await startAdmin()
  const { app, lines, login, refresh, get } = await build(admin.url)
  const revoked = vi.fn<(revocation: object) => void>()
  app.auth.onRevoked(revoked)
  const first = parsePair((await login('ann')).json())
  const second = parsePair((await refresh(first.refresh_token)).json())
  const bystander = parsePair((await login('ann')).json())

  app.store.setClockOffset(11_000)
  const reuse = await refresh(first.refresh_token)

  expect(reuse.statusCode).toBe(401)
  expect((await refresh(second.refresh_token)).statusCode).toBe(401)
  expect((await get('sessions', second.access_token)).statusCode).toBe(401)
  expect((await get('sessions', bystander.access_token)).statusCode).toBe(200)
  expect(revoked).toHaveBeenCalledExactlyOnceWith({ sid: expect.any(String), userId: 'ann' }, true)
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      event: 'auth.refresh_token_reused',
      userId: 'ann',
      context: 'AuthModule',
      correlationId: expect.any(String),
    }),
  )
  const text = JSON.stringify(lines)
  for (const secret of [first.refresh_token, second.access_token, 'password of ann']) {
    expect(text).not.toContain(secret)
  }
})

test('a session that nobody refreshed in time is over', async () => {
  const admin = await startAdmin()
  const { app, login, refresh } = await build(admin.url, { refreshTtlMs: 3_600_000 })
  const { refresh_token: token } = parsePair((await login('ann')).json())

  app.store.setClockOffset(3_600_001)

  expect((await refresh(token)).json()).toMatchObject({ code: 'AUTH_REFRESH_TOKEN_REFUSED' })
})

test('a person who was deactivated cannot refresh, and new roles come with a refresh', async () => {
  const admin = await startAdmin()
  const { login, refresh, get } = await build(admin.url)
  const first = parsePair((await login('ann')).json())
  const [ann] = admin.people
  if (ann === undefined) throw new Error('there is nobody')

  ann.roles = ['manager']
  const second = parsePair((await refresh(first.refresh_token)).json())
  expect((await get('profile', second.access_token)).json()).toMatchObject({ roles: ['manager'] })

  ann.active = false
  expect((await refresh(second.refresh_token)).statusCode).toBe(401)
  expect((await get('sessions', second.access_token)).statusCode).toBe(401)
})

test('while the admin service is down login and refresh are 503 with a reason, and cost nothing', async () => {
  const admin = await startAdmin()
  const { login, refresh, app } = await build(admin.url)
  const { refresh_token: token } = parsePair((await login('ann')).json())
  await admin.close()

  const refused = [await login('ann'), await refresh(token)]
  for (const answer of refused) {
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toMatchObject({
      code: 'AUTH_UNAVAILABLE',
      reason: 'upstream_unreachable',
    })
    expect(answer.headers['retry-after']).toBeDefined()
    expect(answer.body).not.toContain('127.0.0.1')
  }
  // Nobody failed: the next attempt may come at once, and the token was not spent.
  const attempts = await app.store.kysely.selectFrom('auth_attempts').selectAll().execute()
  expect(attempts.every(({ failures }) => failures === 0)).toBe(true)
  const sessions = await app.store.kysely.selectFrom('auth_sessions').selectAll().execute()
  expect(sessions).toMatchObject([{ generation: 1, revoked_at: null }])
})

test('a person sees their sessions and ends one of them, not those of others', async () => {
  const admin = await startAdmin([
    person('ann', { roles: ['member'] }),
    person('bob', { roles: ['member'] }),
  ])
  const { login, get, send } = await build(admin.url)
  const here = parsePair((await login('ann')).json())
  const there = parsePair((await login('ann')).json())
  const bob = parsePair((await login('bob')).json())

  const list = (await get('sessions', here.access_token)).json<{
    items: { id: string; current: boolean }[]
  }>()
  expect(list.items.map(({ current }) => current)).toEqual(expect.arrayContaining([false, true]))
  const other = list.items.find(({ current }) => !current)?.id ?? ''

  expect((await send('DELETE', `sessions/${other}`, bob.access_token)).statusCode).toBe(404)
  expect((await send('DELETE', `sessions/${other}`, here.access_token)).statusCode).toBe(204)
  expect((await send('DELETE', `sessions/${other}`, here.access_token)).statusCode).toBe(404)
  expect((await get('sessions', there.access_token)).statusCode).toBe(401)
  expect((await get('sessions', here.access_token)).statusCode).toBe(200)
})

test('so many sessions one person may have; the oldest ends for a new one', async () => {
  const admin = await startAdmin()
  const { app, login, get } = await build(admin.url, { sessionsPerUser: 2 })
  const pairs: TokenPair[] = []
  for (let count = 0; count < 3; count += 1) {
    app.store.setClockOffset(count * 10)
    pairs.push(parsePair((await login('ann')).json()))
  }

  const statuses = await Promise.all(
    pairs.map(async ({ access_token: token }) => (await get('sessions', token)).statusCode),
  )
  expect(statuses).toEqual([401, 200, 200])
})

test('a flood of wrong passwords slows the name, known or not, and not for its owner', async () => {
  const admin = await startAdmin()
  const { app, login } = await build(admin.url)
  await login('ann', undefined, '198.51.100.7')
  const statuses = async (name: string, from: string) => {
    const answers: number[] = []
    for (let count = 0; count < 8; count += 1) {
      answers.push((await login(name, 'wrong', from)).statusCode)
    }
    return answers
  }

  const known = await statuses('ann', '203.0.113.1')
  const unknown = await statuses('nobody', '203.0.113.2')
  expect(known).toEqual([401, 401, 401, 401, 401, 429, 429, 429])
  expect(unknown).toEqual(known)

  const slowed = await login('ann', 'wrong', '203.0.113.1')
  expect(slowed.json()).toMatchObject({ code: 'AUTH_TOO_MANY_ATTEMPTS', reason: 'rate_limited' })
  expect(Number(slowed.headers['retry-after'])).toBeGreaterThanOrEqual(1)
  // The owner, where they were before, and somewhere new.
  expect((await login('ann', undefined, '198.51.100.7')).statusCode).toBe(200)
  expect((await login('ann', undefined, '198.51.100.8')).statusCode).toBe(200)
  // Even the flooder's network may try again after the wait.
  app.store.setClockOffset(31_000)
  expect((await login('ann', undefined, '203.0.113.1')).statusCode).toBe(200)
})

test('many guesses at once are counted as many', async () => {
  const admin = await startAdmin()
  const { login } = await build(admin.url)

  const answers = await Promise.all(Array.from({ length: 30 }, () => login('ann', 'wrong')))

  const refused = answers.filter(({ statusCode }) => statusCode === 401)
  expect(refused).toHaveLength(5)
})

test('a flood of one name from everywhere slows the name, but not where its owner is known', async () => {
  const admin = await startAdmin()
  const { login } = await build(admin.url, { backOff: { floodThreshold: 10 } })
  await login('ann', undefined, '198.51.100.7')
  for (let host = 0; host < 10; host += 1) await login('ann', 'wrong', `203.0.113.${host}`)

  expect((await login('ann', 'wrong', '203.0.113.99')).statusCode).toBe(429)
  expect((await login('ann', undefined, '198.51.100.7')).statusCode).toBe(200)
})

test('one network is slowed over all names, and an own account does not open it', async () => {
  const admin = await startAdmin([
    person('ann', { roles: ['member'] }),
    person('mallory', { roles: ['member'] }),
  ])
  const { login } = await build(admin.url)
  const statuses: number[] = []
  for (let count = 0; count < 25; count += 1) {
    statuses.push((await login(`name${count}`, 'wrong', '2001:db8:1:2::1')).statusCode)
    await login('mallory', undefined, '2001:db8:1:2::2')
  }

  expect(statuses.filter((status) => status === 401)).toHaveLength(20)
  expect((await login('ann', 'wrong', '2001:db8:1:3::1')).statusCode).toBe(401)
})

test('a person gives themselves another password: every session ends, and they go on with a new one', async () => {
  const admin = await startAdmin()
  const { login, post, get } = await build(admin.url)
  const asked = parsePair((await login('ann')).json()).access_token
  const other = parsePair((await login('ann')).json()).access_token
  const headers = { authorization: `Bearer ${asked}` }

  const change = { currentPassword: 'password of ann', newPassword: 'battery staple' }
  const answer = await post('password', change, headers)

  expect(answer.statusCode).toBe(200)
  expect(answer.headers['cache-control']).toBe('no-store')
  const fresh = parsePair(answer.json()).access_token
  const statuses = [asked, other, fresh].map(
    async (token) => (await get('profile', token)).statusCode,
  )
  expect(await Promise.all(statuses)).toEqual([401, 401, 200])
  expect((await login('ann')).statusCode).toBe(401)
  expect((await login('ann', 'battery staple')).statusCode).toBe(200)
})

test('whoever found a token cannot guess the password with it', async () => {
  const admin = await startAdmin()
  const { login, post, get } = await build(admin.url)
  const token = parsePair((await login('ann')).json()).access_token
  const guess = async () => {
    const change = { currentPassword: 'wrong', newPassword: 'battery staple' }
    const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': '203.0.113.1' }
    return (await post('password', change, headers)).json<{ code: string }>().code
  }

  const codes: string[] = []
  for (let count = 0; count < 7; count += 1) codes.push(await guess())

  expect(codes.slice(0, 5)).toEqual(codes.slice(0, 5).map(() => 'AUTH_CURRENT_PASSWORD_WRONG'))
  expect(codes.slice(5)).toEqual(['AUTH_TOO_MANY_ATTEMPTS', 'AUTH_TOO_MANY_ATTEMPTS'])
  expect((await get('profile', token)).statusCode).toBe(200)
})

test('a link code is redeemed once, within its time, by whoever says it', async () => {
  const admin = await startAdmin()
  const { app, login, send } = await build(admin.url)
  const { access_token: token } = parsePair((await login('ann')).json())
  const code = async () => {
    const answer = await send('POST', 'link-code', token)
    expect(answer.statusCode).toBe(201)
    return answer.json<{ code: string }>().code
  }

  const replaced = await code()
  const good = await code()
  expect(good).toMatch(/^[0-9]{6}$/u)
  // One time in a million the new code is the old one again.
  const ofReplaced = replaced === good ? undefined : app.auth.redeemLinkCode(replaced, 'max:1')
  expect(await ofReplaced).toBeUndefined()
  expect(await app.auth.redeemLinkCode(good, 'max:1')).toBe('ann')
  expect(await app.auth.redeemLinkCode(good, 'max:1')).toBeUndefined()

  const late = await code()
  app.store.setClockOffset(600_001)
  expect(await app.auth.redeemLinkCode(late, 'max:1')).toBeUndefined()
})

test('guessing link codes is slowed for the one who guesses', async () => {
  const admin = await startAdmin()
  const { app } = await build(admin.url)
  for (let count = 0; count < 5; count += 1) await app.auth.redeemLinkCode('000000', 'max:1')

  await expect(app.auth.redeemLinkCode('000000', 'max:1')).rejects.toMatchObject({
    code: 'AUTH_TOO_MANY_ATTEMPTS',
  })
  expect(await app.auth.redeemLinkCode('000000', 'max:2')).toBeUndefined()
})

test('old sessions and attempts are deleted, those that still matter stay', async () => {
  const admin = await startAdmin()
  const { app, login, refresh } = await build(admin.url, { purgeMs: 20 })
  const { refresh_token: token } = parsePair((await login('ann')).json())
  await login('ann', 'wrong')
  app.store.setClockOffset(599_000)
  expect((await refresh(token)).statusCode).toBe(200)

  app.store.setClockOffset(599_000 + 600_000 + 60_001)

  await vi.waitFor(async () => {
    for (const table of ['auth_sessions', 'auth_attempts'] as const) {
      expect(await app.store.kysely.selectFrom(table).selectAll().execute()).toEqual([])
    }
  })
})

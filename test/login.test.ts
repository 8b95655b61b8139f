import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { call, login } from '../scripts/system/api.ts'
import { startPrivateSystem, type PrivateSystem } from '../scripts/system/private-system.ts'

const KEY = { 'x-api-key': 'admin-service-key' }
const PASSWORD = 'correct horse battery'
/** Differ from request to request, whoever asks. */
const OF_THE_REQUEST = new Set(['date', 'x-correlation-id'])

let system: PrivateSystem
beforeAll(async () => {
  system = await startPrivateSystem({
    only: ['admin', 'gateway'],
    // The tests come from where they say.
    env: { TRUSTED_PROXIES: '127.0.0.1/32', LOG_LEVEL: 'debug' },
  })
  await makePerson('ann')
  const gone = await makePerson('gone')
  await call(`${system.url('admin')}/api/v1/users/${gone}`, {
    method: 'PATCH',
    headers: KEY,
    json: { active: false },
  })
}, 120_000)
afterAll(() => system?.stop())

async function makePerson(username: string): Promise<string> {
  const { status, body } = await call<{ id: string }>(`${system.url('admin')}/api/v1/users`, {
    method: 'POST',
    headers: KEY,
    json: { username, displayName: username, password: PASSWORD, roles: ['member'] },
  })
  expect(status).toBe(201)
  return body.id
}

async function attempt(username: string, password: string, place: string) {
  const answer = await call(`${system.url('gateway')}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'x-forwarded-for': place },
    json: { username, password },
  })
  const { correlationId: _id, ...body } = answer.body
  const headers = [...answer.headers].filter(([name]) => !OF_THE_REQUEST.has(name))
  return { status: answer.status, headers: Object.fromEntries(headers), body }
}

/** Passwords that the admin service has compared or hashed so far. */
async function hashes(): Promise<number> {
  const text = await (await fetch(`${system.url('admin')}/metrics`)).text()
  return Number(/^password_hashes_total (\d+)$/mu.exec(text)?.[1])
}

test('a name that nobody has, a wrong password and a person who was switched off cannot be told apart', async () => {
  const cases = [
    ['ann', 'wrong'],
    ['nobody', 'wrong'],
    ['nobody-with-a-much-longer-name.of_any:shape', 'wrong'],
    ['ANN', 'wrong'],
    ['имя', 'wrong'],
    ['gone', PASSWORD],
  ] as const
  const answers = []
  for (const [index, [username, password]] of cases.entries()) {
    const before = await hashes()
    const answer = await attempt(username, password, `203.0.113.${index}`)
    answers.push({ ...answer, work: (await hashes()) - before })
  }

  expect(answers[0]).toMatchObject({
    status: 401,
    body: { code: 'AUTH_CREDENTIALS_REFUSED' },
    work: 1,
  })
  for (const answer of answers) expect(answer).toEqual(answers[0])
  // Nor by what the log says of them.
  const told = await vi.waitFor(() => {
    const lines = system
      .process('gateway')
      .lines.map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ event }) => event === 'auth.login_refused')
    expect(lines).toHaveLength(cases.length)
    return lines
  })
  expect(new Set(told.map((line) => Object.keys(line).toSorted().join())).size).toBe(1)
})

test('a flood slows a name, known or not, not where its owner is, and nobody for ever', async () => {
  expect((await attempt('ann', PASSWORD, '198.51.100.7')).status).toBe(200)
  const flood = async (username: string, place: string) => {
    const answers = []
    for (let count = 0; count < 7; count += 1) {
      answers.push(await attempt(username, `guess ${count}`, place))
    }
    return answers
  }
  const before = await hashes()
  const known = await flood('ann', '192.0.2.1')
  const between = await hashes()
  const unknown = await flood('nobody-else', '192.0.2.2')

  expect(known.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429])
  expect(known.at(-1)).toMatchObject({
    headers: { 'retry-after': '1' },
    body: { code: 'AUTH_TOO_MANY_ATTEMPTS' },
  })
  expect(unknown).toEqual(known)
  // Who is slowed costs no computation.
  expect([between - before, (await hashes()) - between]).toEqual([5, 5])

  expect((await attempt('ann', PASSWORD, '198.51.100.7')).status).toBe(200)
  expect((await attempt('ann', PASSWORD, '198.51.100.8')).status).toBe(200)
  // Even from where the flood comes, after what Retry-After says.
  await vi.waitFor(
    async () => expect((await attempt('ann', PASSWORD, '192.0.2.1')).status).toBe(200),
    { timeout: 20_000, interval: 100 },
  )
  await expect(login(system.url('gateway'), 'ann', PASSWORD)).resolves.toHaveProperty('token')
})

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call, login } from '../../scripts/system/api.ts'
import { startPrivateSystem, type PrivateSystem } from '../../scripts/system/private-system.ts'
import { LINES, ROLES, type Line, type Role } from './table.ts'
import { startTaskService } from './task-service.ts'

const KEY = { 'x-api-key': 'gateway-service-key' }
const PASSWORD = 'correct horse battery'

interface ApiDocument {
  paths: Record<string, Record<string, { security?: object[] }>>
}

let system: PrivateSystem
let task: Awaited<ReturnType<typeof startTaskService>>
const ids = new Map<string, string>()
const tokens = new Map<Role, string>()

const idOf = (name: string): string => ids.get(name) ?? `no ${name}`

async function makePerson(username: string, role: Role): Promise<void> {
  const { body } = await call<{ id: string }>(`${system.url('admin')}/api/v1/users`, {
    method: 'POST',
    headers: KEY,
    json: { username, displayName: username, password: PASSWORD, roles: [role] },
  })
  ids.set(username, body.id)
}

beforeAll(async () => {
  task = await startTaskService()
  system = await startPrivateSystem({
    only: ['admin', 'state', 'gateway'],
    env: { THROTTLE_LIMIT: '100000', TASK_SERVICE_URL: task.url },
  })
  for (const role of ROLES) await makePerson(role, role)
  await makePerson('somebody', 'member')
  for (const role of ROLES) {
    tokens.set(role, (await login(system.url('gateway'), role, PASSWORD)).authorization)
  }
  await call(`${system.url('state')}/api/v1/machines/order`, {
    method: 'PUT',
    headers: KEY,
    json: { statuses: ['new', 'paid'], initial: ['new'], transitions: { new: ['paid'] } },
  })
}, 120_000)

afterAll(async () => {
  await system?.stop()
  await task?.close()
})

/** A task of its own, made by `by` and given to `to`. */
async function makeTask(by: string, to: string): Promise<string> {
  const entityId = `t-${randomUUID()}`
  const { status } = await call(`${system.url('state')}/api/v1/states/task`, {
    method: 'POST',
    headers: { ...KEY, 'x-actor': `user:${by}` },
    json: { entityId, metadata: { title: 'Задача', assignee: to } },
  })
  if (status !== 201) throw new Error(`No task: ${status}`)
  return entityId
}

/** The line's path and body for somebody of this role. */
async function filled(text: string, role: Role): Promise<string> {
  const [me, other] = [idOf(role), idOf('somebody')]
  const values: Record<string, () => string | Promise<string>> = {
    '{me}': () => me,
    '{other}': () => other,
    '{new}': () => `n-${randomUUID()}`,
    '{mine}': () => makeTask(me, other),
    '{given}': () => makeTask(other, me),
    '{foreign}': () => makeTask(other, other),
  }
  let result = text
  for (const [name, value] of Object.entries(values)) {
    if (result.includes(name)) result = result.replaceAll(name, await value())
  }
  return result
}

async function ask({ method, path, body }: Line, role: Role, authorization: string) {
  const headers = {
    authorization,
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const response = await fetch(system.url('gateway') + (await filled(path, role)), {
    method,
    headers,
    ...(body !== undefined && { body: await filled(body, role) }),
  })
  if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
    await response.body?.cancel()
    return { status: response.status, code: undefined }
  }
  const text = await response.text()
  const json: unknown = text === '' ? undefined : JSON.parse(text)
  const code = typeof json === 'object' && json !== null && 'code' in json ? json.code : undefined
  return { status: response.status, code }
}

type Outcome = Awaited<ReturnType<typeof ask>>

/** Refusals of the gateway. What else a service says, it says to somebody who was let through. */
const REFUSALS = new Set(['ACCESS_DENIED', 'ACCESS_NOT_OWN_PRESENCE', 'ACCESS_NOT_ONLY_TASKS'])

/** The right that the answer stands for; one that stands for none is told as it is. */
function nameOf({ status, code }: Outcome): string {
  if (status === 404 && code === 'ROUTE_NOT_FOUND') return 'never'
  if (status === 403 && REFUSALS.has(String(code))) return 'no'
  if (status === 403 && code === 'STATES_NOT_OWNER') return 'theirs'
  if (status === 401 || status === 403 || status >= 500) return `${status} ${String(code)}`
  return 'yes'
}

test.each(LINES)('$method $path $body: $rights', async (line) => {
  const found: Record<string, string> = {}
  for (const role of ROLES) {
    // Whoever logs out is out: not with the token of all.
    const isLogout = line.path.endsWith('/logout')
    const fresh = isLogout ? await login(system.url('gateway'), role, PASSWORD) : undefined
    const token = fresh?.authorization ?? tokens.get(role) ?? ''
    found[role] = nameOf(await ask(line, role, token))
  }
  expect(found).toEqual(line.rights)

  const { code } = await ask(line, 'member', '')
  const refusals = [
    'AUTH_TOKEN_MISSING',
    ...(line.rights.admin === 'never' ? ['ROUTE_NOT_FOUND'] : []),
  ]
  expect(refusals).toContain(code)
})

test('a member asks the task service for what is theirs, the others for everything', async () => {
  const scopes: Record<string, unknown> = {}
  for (const role of ROLES) {
    await call(`${system.url('gateway')}/api/v1/tasks/t1`, {
      headers: { authorization: tokens.get(role) ?? '' },
    })
    const { 'x-actor': actor, 'x-actor-scope': scope } = task.asked.at(-1) ?? {}
    scopes[role] = [actor === `user:${idOf(role)}`, scope]
  }

  expect(scopes).toEqual({
    member: [true, 'own'],
    manager: [true, undefined],
    admin: [true, undefined],
  })
})

/** `{entity}` and the like against what stands there in the table. */
const isTried = (method: string, template: string): boolean => {
  const pattern = new RegExp(`^${template.replaceAll(/\{[^}]+\}/gu, '[^/]+')}$`, 'u')
  return LINES.some((line) => line.method === method && pattern.test(line.path))
}

const untried = ({ paths }: ApiDocument, rename: (path: string) => string = (path) => path) =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([, { security }]) => security?.length !== 0)
      .map(([method]) => [method.toUpperCase(), rename(path)] as const)
      .filter(([method, outside]) => !isTried(method, outside))
      .map((operation) => operation.join(' ')),
  )

const documentOf = async (url: string): Promise<ApiDocument> => (await call<ApiDocument>(url)).body

test('every operation of the gateway, and every one of the services, has a line in the table', async () => {
  const [gateway, state, admin] = await Promise.all([
    documentOf(`${system.url('gateway')}/api/docs/json`),
    documentOf(`${system.url('state')}/api-docs/json`),
    documentOf(`${system.url('admin')}/api-docs/json`),
  ])

  expect(untried(gateway)).toEqual([])
  expect(untried(state)).toEqual([])
  expect(untried(admin, (path) => path.replace('/api/v1/', '/api/v1/admin/'))).toEqual([])
})

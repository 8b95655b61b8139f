import { expect, test } from 'vitest'
import type { Role } from '@potok/contracts/user'
import { decide, type Decision } from './decide.ts'
import { METHODS, RULES } from './table.ts'

/**
 * The roles table once more, written down independently: method, path, then what member, manager and admin may.
 * yes · own = with x-actor-scope: own · self = when the body is about their own presence · tasks = when the batch is
 * about tasks only · no = 403. `me` is the caller's id.
 */
const TABLE = `
GET    /api/v1/states/task                      yes   yes   yes
HEAD   /api/v1/states/task                      yes   yes   yes
GET    /api/v1/states/user                      yes   yes   yes
GET    /api/v1/states/process                   yes   yes   yes
GET    /api/v1/states/order                     no    yes   yes
GET    /api/v1/states/task/t1                   yes   yes   yes
GET    /api/v1/states/user/other                yes   yes   yes
GET    /api/v1/states/process/p1                yes   yes   yes
GET    /api/v1/states/order/o1                  no    yes   yes
GET    /api/v1/states/task/t1/history           yes   yes   yes
GET    /api/v1/states/user/other/history        yes   yes   yes
GET    /api/v1/states/process/p1/history        yes   yes   yes
GET    /api/v1/states/order/o1/history          no    yes   yes
GET    /api/v1/states/task/t1/transitions       yes   yes   yes
GET    /api/v1/states/order/o1/transitions      no    yes   yes
POST   /api/v1/states/query                     no    yes   yes
POST   /api/v1/states/batch                     no    tasks yes

POST   /api/v1/states/task                      own   yes   yes
PUT    /api/v1/states/task/t1                   own   yes   yes
PATCH  /api/v1/states/task/t1                   own   yes   yes
POST   /api/v1/states/task/t1/heartbeat         own   yes   yes
DELETE /api/v1/states/task/t1                   no    yes   yes

POST   /api/v1/states/user                      self  self  yes
PUT    /api/v1/states/user/me                   yes   yes   yes
PATCH  /api/v1/states/user/me                   yes   yes   yes
POST   /api/v1/states/user/me/heartbeat         yes   yes   yes
PUT    /api/v1/states/user/other                no    no    yes
PATCH  /api/v1/states/user/other                no    no    yes
POST   /api/v1/states/user/other/heartbeat      no    no    yes
DELETE /api/v1/states/user/me                   no    no    yes
DELETE /api/v1/states/user/other                no    no    yes

POST   /api/v1/states/process                   no    no    yes
PUT    /api/v1/states/process/p1                no    no    yes
PATCH  /api/v1/states/process/p1                no    no    yes
DELETE /api/v1/states/process/p1                no    no    yes
POST   /api/v1/states/process/p1/heartbeat      no    no    yes
POST   /api/v1/states/order                     no    no    yes
PUT    /api/v1/states/order/o1                  no    no    yes
PUT    /api/v1/states/process/me                no    no    yes

GET    /api/v1/machines                         yes   yes   yes
GET    /api/v1/machines/task                    yes   yes   yes
PUT    /api/v1/machines/task                    no    no    yes

GET    /api/v1/events                           no    yes   yes
GET    /api/v1/events/stream                    no    yes   yes
POST   /api/v1/events                           no    yes   yes

GET    /api/v1/webhooks/subscriptions           no    no    yes
POST   /api/v1/webhooks/subscriptions           no    no    yes
GET    /api/v1/webhooks/subscriptions/s1        no    no    yes
PATCH  /api/v1/webhooks/subscriptions/s1        no    no    yes
DELETE /api/v1/webhooks/subscriptions/s1        no    no    yes
POST   /api/v1/webhooks/subscriptions/s1/test   no    no    yes
POST   /api/v1/webhooks/subscriptions/s1/rotate-secret          no no yes
POST   /api/v1/webhooks/subscriptions/s1/rotate-secret/finish   no no yes
GET    /api/v1/webhooks/subscriptions/s1/deliveries             no no yes
GET    /api/v1/webhooks/deliveries/d1           no    no    yes
POST   /api/v1/webhooks/deliveries/d1/redeliver no    no    yes
POST   /api/v1/webhooks/subscriptions/s1/replay no    no    yes

GET    /api/v1/admin/users                      no    no    yes
POST   /api/v1/admin/users                      no    no    yes
GET    /api/v1/admin/users/me                   no    no    yes
PATCH  /api/v1/admin/users/me                   no    no    yes
DELETE /api/v1/admin/users/other                no    no    yes
GET    /api/v1/admin/users/me/settings          no    no    yes
PUT    /api/v1/admin/db/notes/n1                no    no    yes
POST   /api/v1/admin/users/verify               no    no    no

GET    /api/v1/tasks                            own   yes   yes
GET    /api/v1/tasks/t1                         own   yes   yes
POST   /api/v1/tasks/t1/assign                  own   yes   yes
POST   /api/v1/distribution/run                 own   yes   yes
GET    /api/v1/analytics/summary                own   yes   yes

GET    /api/v1/gateway/circuits                 no    no    yes
POST   /api/v1/gateway/circuits/state/open      no    no    yes
POST   /api/v1/gateway/circuits/state/close     no    no    yes
POST   /api/v1/gateway/circuits/state/reset     no    no    yes
POST   /api/v1/notifications                    no    yes   yes
`

const ROLES = ['member', 'manager', 'admin'] as const

const cells = TABLE.split('\n')
  .map((line) => line.trim().split(/\s+/u))
  .filter(({ length }) => length === 5)
  .flatMap(([method = '', path = '', ...rights]) =>
    ROLES.map((role, index) => ({ method, path, role, right: rights[index] ?? '' })),
  )

function nameOf(decision: Decision): string {
  if (!decision.allow) return decision.unknown ? 'unknown' : 'no'
  if (decision.body !== undefined) return decision.body === 'task_batch' ? 'tasks' : 'self'
  return decision.scopeOwn ? 'own' : 'yes'
}

const ask = (roles: readonly Role[], method: string, path: string): string =>
  nameOf(decide({ id: 'me', roles }, { method, path }))

test('the table has three cells a line', () => {
  expect(cells).toHaveLength(TABLE.split('\n').filter((line) => line.trim() !== '').length * 3)
})

test.each(cells)('$role, $method $path: $right', ({ method, path, role, right }) => {
  expect(ask([role], method, path)).toBe(right)
})

test('of several roles the widest right counts, and nobody without a role may anything', () => {
  expect(ask(['member', 'manager'], 'DELETE', '/api/v1/states/task/t1')).toBe('yes')
  expect(ask(['member', 'manager'], 'PATCH', '/api/v1/states/task/t1')).toBe('yes')
  for (const { method, path } of cells) expect(ask([], method, path)).toBe('no')
})

test.each([
  ['GET', '/api/v1/states'],
  ['GET', '/api/v1/states/'],
  ['GET', '/api/v1/states/task/'],
  ['GET', '/api/v1/states//t1'],
  ['GET', '/api/v1/states/task/t1/history/1'],
  ['GET', '/api/v1/states/task/t1/secrets'],
  ['PUT', '/api/v1/states/task'],
  ['DELETE', '/api/v1/states/task'],
  ['POST', '/api/v1/states/task/t1'],
  ['POST', '/api/v1/states/task/t1/history'],
  ['OPTIONS', '/api/v1/states/task'],
  ['TRACE', '/api/v1/states/task'],
  ['get', '/api/v1/states/task'],
  ['GET', '/api/v1/States/task'],
  ['GET', 'api/v1/states/task'],
  ['DELETE', '/api/v1/machines/task'],
  ['DELETE', '/api/v1/events'],
  ['GET', '/api/v1/events/stream/1'],
  ['GET', '/api/v1/statesx/task'],
  ['GET', '/api/v1/internal/events'],
  ['GET', '/'],
])('%s %s is nowhere in the table, so nobody may', (method, path) => {
  expect(ask(['admin'], method, path)).toBe('unknown')
})

test('only the caller is self, however the id is written', () => {
  for (const id of ['Me', 'me ', 'm', 'me2', ':self', '']) {
    expect(ask(['member'], 'PUT', `/api/v1/states/user/${id}`)).not.toBe('yes')
  }
})

test('every method of the table is one that the proxy passes on', () => {
  expect(new Set(cells.map(({ method }) => method))).toEqual(new Set(METHODS))
})

test('every rule of the code is tried by a line of this table', () => {
  const untried = RULES.filter(({ methods, path }) => {
    const pattern = path
      .replaceAll(':self', 'me')
      .replaceAll(/:[a-z]+/gu, '[^/]+')
      .replaceAll('{', '(?:')
      .replaceAll('}', ')')
      .replaceAll(',', '|')
      .replace('/**', '(?:/.*)?')
    const expression = new RegExp(`^${pattern}$`, 'u')
    return !cells.some(
      (cell) => methods.some((method) => method === cell.method) && expression.test(cell.path),
    )
  })
  expect(untried).toEqual([])
})

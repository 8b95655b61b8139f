import { expect, test } from 'vitest'
import { ROLES, type Role } from '@potok/contracts/user'
import { mayFollow } from './rights.ts'

const CHANNELS = ['tasks', 'task:t1', 'users', 'processes']

const person = (...roles: Role[]) => ({ id: 'u1', roles, sid: 's1', expiresAt: 0 })

test.each(ROLES)('%s follows what they may read over REST', (role) => {
  for (const channel of CHANNELS) expect(mayFollow(person(role), channel)).toBe(true)
})

test('who has no role follows nothing, and may still talk in rooms', () => {
  for (const channel of CHANNELS) expect(mayFollow(person(), channel)).toBe(false)
  expect(mayFollow(person(), 'room:r1')).toBe(true)
})

test('a channel that is none is for nobody', () => {
  for (const channel of ['', 'task', 'orders', 'order:o1', '/api/v1/states/task', '__proto__']) {
    expect(mayFollow(person('admin'), channel)).toBe(false)
  }
})

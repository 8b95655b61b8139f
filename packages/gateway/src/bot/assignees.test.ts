import { describe, expect, it } from 'vitest'
import type { User } from '@potok/contracts/user'
import { peopleCalled } from './assignees.ts'

const person = (username: string, displayName: string): User => ({
  id: username,
  username,
  displayName,
  roles: ['member'],
  skills: [],
  capacity: 5,
  timeZone: 'Europe/Moscow',
  active: true,
  version: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
})
const people = [
  person('anna', 'Анна Смирнова'),
  person('anna.k', 'Анна Королёва'),
  person('boris', 'Борис Орлов'),
]
const called = (name: string): string[] => peopleCalled(name, people).map(({ id }) => id)

describe('people by name', () => {
  it.each([
    ['boris', ['boris']],
    ['@boris', ['boris']],
    ['БОРИС', ['boris']],
    ['борис орлов', ['boris']],
    ['орлов', ['boris']],
    ['бор', ['boris']],
    ['анна', ['anna', 'anna.k']],
    ['анна королева', ['anna.k']],
    ['Анна_Королёва', ['anna.k']],
    ['анна с', ['anna']],
    ['anna', ['anna']],
    ['вера', []],
    ['', []],
  ])('«%s» is %o', (name, expected) => {
    expect(called(name)).toEqual(expected)
  })
})

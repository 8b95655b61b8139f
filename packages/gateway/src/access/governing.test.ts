import { expect, test } from 'vitest'
import { governing } from './governing.ts'

const paths = (method: string, template: string, ...others: string[]) =>
  governing(method, template, new Set(others)).map(({ path }) => path)

test('a rule that always fits is the last that is asked', () => {
  expect(paths('DELETE', '/api/v1/states/{entity}/{id}')).toEqual([
    '/api/v1/states/task/:id',
    '/api/v1/states/:entity/:id',
  ])
  expect(paths('DELETE', '/api/v1/states/task/{id}')).toEqual(['/api/v1/states/task/:id'])
})

test('a rule for another operation says nothing about this one', () => {
  const create = '/api/v1/states/{entity}'
  expect(paths('POST', create)).toContain('/api/v1/states/query')
  expect(paths('POST', create, '/api/v1/states/query', '/api/v1/states/batch')).toEqual([
    '/api/v1/states/task',
    '/api/v1/states/user',
    '/api/v1/states/:entity',
  ])
})

test('what nobody may has a rule that gives nothing, what no rule knows has none', () => {
  expect(governing('POST', '/api/v1/admin/users/verify').map(({ rights }) => rights)).toEqual([{}])
  expect(paths('GET', '/api/v1/services')).toEqual([])
  expect(paths('GET', '/api/v1/webhooks')).toEqual(['/api/v1/webhooks/**'])
})

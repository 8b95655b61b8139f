import { expect, test } from 'vitest'
import { createJudge, type Answer } from './document.ts'

const Problem = { type: 'object', required: ['code'] }
const judge = createJudge({
  paths: {
    '/things/{id}': {
      get: {
        responses: {
          200: {
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
          },
          304: {},
          '4XX': { content: { 'application/problem+json': { schema: Problem } } },
        },
      },
    },
    '/things/all': { get: { responses: { 204: {} } } },
  },
  components: { schemas: { Thing: { type: 'object', required: ['id'] } } },
})

const refusal = { type: '/p', title: 'No', status: 404, code: 'ROUTE_NOT_FOUND' }
const json = 'application/json'
const problem = 'application/problem+json'
const answer = (given: Partial<Answer>): Answer => ({
  method: 'GET',
  path: '/things/1',
  status: 200,
  type: json,
  body: '{"id":1}',
  ...given,
})

test.each([
  ['what the schema says', {}],
  ['a status of a range', { status: 404, type: problem, body: '{"code":"A"}' }],
  ['no body where there may be none', { status: 304, type: '', body: undefined }],
  ['HEAD as GET', { method: 'HEAD', body: undefined }],
  ['the literal path first', { path: '/things/all', status: 204, type: '', body: undefined }],
  [
    'a refusal of what is no operation',
    { path: '/nothing', status: 404, type: problem, body: JSON.stringify(refusal) },
  ],
])('nothing is said against %s', (_case, given) => {
  expect(judge.judge(answer(given))).toBeUndefined()
})

test.each([
  ['another body', { body: '{"name":1}' }, /not as documented/u],
  ['another status', { status: 202 }, /202, which is not documented/u],
  ['another media type', { type: 'text/html' }, /as text\/html/u],
  ['a problem that is none', { status: 400, type: problem, body: '{}' }, /not as documented/u],
  ['plain JSON for a problem', { status: 400, body: '{"code":"A"}' }, /as application\/json/u],
  ['what is no operation, answered', { path: '/nothing' }, /no operation, answered 200/u],
  ['another method', { method: 'POST' }, /no operation/u],
  ['an unknown failure', { path: '/nothing', status: 500, body: '{}' }, /answered 500/u],
])('%s is told', (_case, given, complaint) => {
  expect(judge.judge(answer(given))).toMatch(complaint)
})

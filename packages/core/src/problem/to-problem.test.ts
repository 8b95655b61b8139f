import createError from '@fastify/error'
import { expect, test } from 'vitest'
import { toProblem } from './to-problem.ts'

const context = { correlationId: 'c1', path: '/x' }

test.each([
  [
    'an SQLSTATE',
    Object.assign(new Error('invalid input syntax for type bigint'), { code: '22P02' }),
  ],
  ['a code of zlib', Object.assign(new Error('unexpected end of file'), { code: 'Z_BUF_ERROR' })],
  ['a DOMException with a number', new DOMException('timed out', 'TimeoutError')],
  [
    'a system error',
    Object.assign(new Error('connect ECONNREFUSED 10.0.0.1'), { code: 'ECONNREFUSED' }),
  ],
])('%s says nothing to the client', (_case, error) => {
  const problem = toProblem(error as never, context)

  expect(problem).toEqual({
    type: '/problems/internal-error',
    title: 'Internal Server Error',
    status: 500,
    instance: '/x',
    code: 'INTERNAL_ERROR',
    correlationId: 'c1',
  })
})

test('a 5xx of our own vocabulary is told, with its reason', () => {
  const Away = createError('STORE_AWAY', 'The store is away', 503)

  const problem = toProblem(Object.assign(new Away(), { reason: 'store' }), context)

  expect(problem).toMatchObject({
    status: 503,
    code: 'STORE_AWAY',
    detail: 'The store is away',
    reason: 'store',
  })
})

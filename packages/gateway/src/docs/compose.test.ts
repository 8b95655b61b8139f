import { expect, test } from 'vitest'
import type { Target } from '../proxy/index.ts'
import { compose } from './compose.ts'
import type { ApiDocument } from './schemas.ts'
import type { Found } from './sources.ts'

const TARGETS: Target[] = [
  { prefix: '/api/v1/admin', service: 'admin', path: '/api/v1' },
  { prefix: '/api/v1/states', service: 'state', path: '/api/v1/states' },
]
const answers = { responses: { 200: { description: 'Fine' } } }
const own: ApiDocument = {
  openapi: '3.1.0',
  info: { title: 'Gateway', description: 'The door.' },
  paths: { '/api/v1/auth/login': { post: answers } },
  components: { schemas: { Page: { title: 'Page', type: 'object' }, Problem: { type: 'object' } } },
}

function found(name: Found['name'], paths: ApiDocument['paths'], schemas = {}): Found {
  const document = { openapi: '3.1.0', info: { title: name }, paths, components: { schemas } }
  return { name, document, readAt: 0, isCurrent: true }
}

const shown = (...parts: Found[]) => compose(own, parts, TARGETS)

test('paths are those of the gateway, and only those that somebody may reach', () => {
  const { paths } = shown(
    found('admin', {
      '/health': { get: answers },
      '/api/v1/users/{id}': { get: answers },
      '/api/v1/users/verify': { post: answers },
    }),
    found('state', {
      '/api/v1/statesmen': { get: answers },
      '/api/v1/services': { get: answers },
      '/api/v1/states/{entity}/{id}': { get: answers, trace: answers },
    }),
  )

  expect(Object.entries(paths).map(([path, item]) => [path, Object.keys(item)])).toEqual([
    ['/api/v1/auth/login', ['post']],
    ['/api/v1/admin/users/{id}', ['get']],
    ['/api/v1/states/{entity}/{id}', ['get']],
  ])
})

test('an operation is told as it is from outside: a token, no inside headers, who may, what we refuse', () => {
  const operation = {
    ...answers,
    operationId: 'whatever',
    description: 'Reads one.',
    security: [{ apiKey: [] }],
    parameters: [
      { name: 'X-Actor', in: 'header' },
      { name: 'id', in: 'path' },
    ],
  }
  const { paths } = shown(found('state', { '/api/v1/states/{entity}/{id}': { get: operation } }))

  expect(paths['/api/v1/states/{entity}/{id}']?.['get']).toEqual({
    operationId: 'getStatesByEntityById',
    security: [{ bearer: [] }],
    description: [
      'Reads one.',
      '',
      '**Who may**, by the first line that fits:',
      '',
      '* `/api/v1/states/{task,user,process}/:id` – member, manager, admin',
      '* `/api/v1/states/:entity/:id` – manager, admin',
    ].join('\n'),
    parameters: [{ name: 'id', in: 'path' }],
    responses: {
      200: { description: 'Fine' },
      '4XX': expect.objectContaining({ description: 'Refused' }) as object,
      '5XX': expect.objectContaining({ description: expect.any(String) as string }) as object,
    },
  })
})

test('a schema that means something else under the same name gets the name of its service', () => {
  const get = {
    responses: { 200: { schema: { $ref: '#/components/schemas/Page' } }, '4XX': {}, '5XX': {} },
  }
  const { paths, components } = shown(
    found('state', { '/api/v1/states/{entity}': { get } }, { Page: { type: 'array' }, Unused: {} }),
  )

  expect(components?.schemas).toEqual({
    Page: { title: 'Page', type: 'object' },
    Problem: { type: 'object' },
    StatePage: { type: 'array' },
  })
  expect(JSON.stringify(paths)).toContain('"#/components/schemas/StatePage"')
})

test('the document says how current each part is', () => {
  const readAt = Date.UTC(2026, 0, 2)
  const { info, paths } = compose(
    own,
    [
      { ...found('admin', { '/api/v1/users': { get: answers } }), readAt },
      {
        ...found('state', { '/api/v1/states/{entity}': { get: answers } }),
        readAt,
        isCurrent: false,
      },
      { name: 'task', document: undefined, readAt: undefined, isCurrent: false },
    ],
    TARGETS,
  )

  expect(info.description?.split('\n')).toEqual([
    'The door.',
    '',
    "Beside the gateway's own, these are the operations of:",
    '',
    '* **admin** as of 2026-01-02T00:00:00.000Z',
    '* **state** does not answer: its part is as it was at 2026-01-02T00:00:00.000Z',
    '* **task** does not answer: its part is missing',
  ])
  expect(paths).toHaveProperty('/api/v1/states/{entity}')
})

import { readFileSync } from 'node:fs'
import { Type } from '@sinclair/typebox'
import { describe, expect, test } from 'vitest'
import { normalForm, objectOf, type Json } from '../testing/normal-form.ts'
import { OPERATIONS } from './operations.ts'
import { Failure } from './parts.ts'
import { SHARED } from './shared.ts'

/** The official document is not ours to copy: whoever has it says where. */
// oxlint-disable-next-line node/no-process-env -- a switch of the test run, not of a process of ours
const path = process.env['MAX_OPENAPI']

const at = (value: unknown, ...names: readonly string[]): unknown =>
  names.reduce<unknown>((found, name) => objectOf(found)[name], value)

const JSON_CONTENT = ['content', 'application/json', 'schema']

function officialOperation(document: Json, call: string): Json {
  const [method = '', route = ''] = call.split(' ')
  const name = route.replaceAll(/:(\w+)/gu, '{$1}')
  return objectOf(at(document, 'paths', name, method.toLowerCase()))
}

/** Parameters of the query as one object. */
function officialQuery(document: Json, operation: Json): Json {
  const listed = operation['parameters']
  const parameters = (Array.isArray(listed) ? listed : [])
    .map((one) => objectOf(one))
    .filter((one) => one['in'] === 'query')
  return normalForm(
    {
      type: 'object',
      properties: Object.fromEntries(parameters.map((one) => [one['name'], one['schema']])),
      required: parameters.filter((one) => one['required'] === true).map((one) => one['name']),
    },
    document,
  )
}

function officialAnswer(document: Json, operation: Json): Json {
  const answer = at(operation, 'responses', '200')
  const reference = at(answer, '$ref')
  const named = typeof reference === 'string' ? reference.slice(2).split('/') : undefined
  const found = named === undefined ? answer : at(document, ...named)
  return normalForm(at(found, ...JSON_CONTENT), document)
}

describe.skipIf(path === undefined)(
  'our description and the official one (skipped unless MAX_OPENAPI says where that is) say the same:',
  () => {
    const document: Json =
      path === undefined ? {} : objectOf(JSON.parse(readFileSync(path, 'utf8')) as unknown)

    test.each(Object.entries(OPERATIONS))('%s', (call, { query, body, answer }) => {
      const official = officialOperation(document, call)
      expect(normalForm(Type.Object(query), SHARED)).toEqual(officialQuery(document, official))
      expect(body === undefined ? {} : normalForm(body, SHARED)).toEqual(
        normalForm(at(official, 'requestBody', ...JSON_CONTENT), document),
      )
      expect(normalForm(answer, SHARED)).toEqual(officialAnswer(document, official))
    })

    test('only comments and videos are not described', () => {
      const routes = Object.keys(objectOf(document['paths']))
      const ours = Object.keys(OPERATIONS).map((call) => call.split(' ')[1] ?? '')
      const described = new Set(ours.map((route) => route.replaceAll(/:(\w+)/gu, '{$1}')))
      const missing = routes.filter((route) => !described.has(route))
      expect(missing.filter((route) => !/comments|videos/u.test(route))).toEqual([])
    })

    test('updates and failures', () => {
      const schema = (name: string) =>
        normalForm({ $ref: `#/components/schemas/${name}` }, document)
      expect(normalForm(SHARED['Update'], SHARED)).toEqual(schema('Update'))
      expect(normalForm(Failure)).toEqual(schema('Error'))
    })
  },
)

import { Type } from '@sinclair/typebox'
import { expect, test } from 'vitest'
import { optionalDefaults } from './optional-defaults.ts'

const members = { from: Type.String(), limit: Type.Integer({ default: 50 }) }

test('what has a default is not told as required, in query and body', () => {
  const schema = { querystring: Type.Object(members), body: Type.Object(members) }
  expect(optionalDefaults(schema)).toMatchObject({
    querystring: { required: ['from'], properties: { limit: { default: 50 } } },
    body: { required: ['from'] },
  })
  expect(schema.querystring.required).toEqual(['from', 'limit'])
})

test('a route without a schema has nothing to tell', () => {
  expect(optionalDefaults(undefined)).toEqual({})
})

test('a shape with a name is left as it is: answers have all its members', () => {
  const body = Type.Object(members, { title: 'Settings' })
  expect(optionalDefaults({ body }).body).toBe(body)
})

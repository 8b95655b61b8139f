import { Type, type TSchema } from '@sinclair/typebox'
import { expect, test } from 'vitest'
import { createParser } from '@potok/core/validation'
import { describeDatabases } from '@potok/core/testing/databases'
import { createStateService } from '../testing/state-service.ts'

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const

interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  example?: string
}
interface Media {
  schema: TSchema
  example?: unknown
  examples?: Record<string, { value: unknown }>
}
interface Operation {
  tags?: string[]
  summary: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { content?: Record<string, Media> }>
}
interface Document {
  paths: Record<string, Partial<Record<(typeof METHODS)[number], Operation>>>
  components: object
}

/** What the examples speak of. */
const EXISTING = [
  ['states/task', { entityId: 'task_123', status: 'in_progress' }],
  ['states/user', { entityId: 'user_789', status: 'online' }],
] as const

function bodiesOf({ requestBody }: Operation): (object | undefined)[] {
  const media = requestBody?.content['application/json']
  if (media === undefined) return [undefined]
  const { schema, examples, example } = media
  const variants: TSchema[] = schema['anyOf'] ?? [schema]
  const values = [
    ...(example === undefined ? [] : [example]),
    ...Object.values(examples ?? {}).map(({ value }) => value),
    ...variants.flatMap((variant) => variant.examples ?? []),
  ]
  return values as object[]
}

function urlOf(path: string, { parameters = [] }: Operation): string {
  const filled = parameters
    .filter((parameter) => parameter.in === 'path')
    .reduce((url, { name, example }) => url.replace(`{${name}}`, String(example)), path)
  const query = parameters
    .filter((parameter) => parameter.in === 'query' && parameter.example !== undefined)
    .map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`)
  return query.length === 0 ? filled : `${filled}?${query.join('&')}`
}

/** @param schema undefined: an answer without a body; its references lead into the document's components */
function isAsPromised(schema: TSchema | undefined, { components }: Document, body: unknown) {
  if (schema === undefined) return body === undefined
  return createParser(Type.Unsafe({ ...schema, components })).check(body)
}

describeDatabases('the OpenAPI document', (store) => {
  test('every example of states and machines, sent as it stands, gets the promised answer', async () => {
    const { call } = await createStateService({ place: await store.place() })
    const document: Document = (await call('GET', '/api-docs/json')).body
    const sent: string[] = []

    for (const [path, item] of Object.entries(document.paths)) {
      for (const method of METHODS) {
        const operation = item[method]
        if (!operation?.tags?.some((tag) => tag === 'states' || tag === 'machines')) continue
        const bodies = bodiesOf(operation)
        expect({ path, method, bodies: bodies.length }).not.toMatchObject({ bodies: 0 })
        for (const body of bodies) {
          for (const [url, existing] of EXISTING) await call('POST', url, existing)
          const verb = method.toUpperCase() as 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
          const reply = await call(verb, urlOf(path, operation), body)
          sent.push(`${verb} ${path} ${reply.status}`)
          const promised = operation.responses[String(reply.status)]
          expect({ path, method, status: reply.status, body: reply.body }).toMatchObject({
            status: expect.toSatisfy((status: number) => status < 300) as number,
          })
          const schema = promised?.content?.['application/json']?.schema
          expect({ path, method, asPromised: isAsPromised(schema, document, reply.body) }).toEqual({
            path,
            method,
            asPromised: true,
          })
        }
      }
    }

    expect(sent).toHaveLength(14)
  })

  test('each path is told without a slash at its end', async () => {
    const { call } = await createStateService({ place: await store.place() })
    const document: Document = (await call('GET', '/api-docs/json')).body

    expect(Object.keys(document.paths).filter((path) => path.endsWith('/'))).toEqual([])
    expect((await call('GET', '/api/v1/machines')).status).toBe(200)
  })
})

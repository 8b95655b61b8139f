import type { FastifySchema } from 'fastify'

interface ObjectSchema {
  required: readonly string[]
  properties: Record<string, unknown>
  title?: unknown
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const isObjectSchema = (value: unknown): value is ObjectSchema =>
  isObject(value) && Array.isArray(value['required']) && isObject(value['properties'])

function withoutDefaults(schema: unknown): unknown {
  // What has a title may be the shape of an answer too, which has all of them.
  if (!isObjectSchema(schema) || schema.title !== undefined) return schema
  const { properties } = schema
  const required = schema.required.filter((name) => {
    const member = properties[name]
    return !isObject(member) || member['default'] === undefined
  })
  return { ...schema, required }
}

/**
 * What has a default need not be given: validation puts it in before it looks whether all is there.
 * @param schema of a route; some have none
 */
export function optionalDefaults(schema: FastifySchema | undefined): FastifySchema {
  const { querystring, body } = schema ?? {}
  return {
    ...schema,
    ...(querystring === undefined ? {} : { querystring: withoutDefaults(querystring) }),
    ...(body === undefined ? {} : { body: withoutDefaults(body) }),
  }
}

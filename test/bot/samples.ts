import { SHARED } from '../../packages/max-simulator/src/contract/shared.ts'

/** What becomes of fields that may be missing. */
export const WAYS = ['absent', 'null', 'present'] as const
export type Way = (typeof WAYS)[number]

type Json = Record<string, unknown>

const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? { ...value } : {}
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

/** A value that fits a schema of the contract; lists of variants have one of each. */
function sampleOf(given: unknown, way: Way): unknown {
  const schema = objectOf(given)
  if (typeof schema['$ref'] === 'string') return sampleOf(SHARED[schema['$ref']], way)
  if ('const' in schema) return schema['const']
  const [first] = [
    ...listOf(schema['enum']),
    ...listOf(schema['anyOf']),
    ...listOf(schema['oneOf']),
  ]
  if (first !== undefined) {
    if (typeof first === 'string') return first
    return 'anyOf' in schema && way === 'null' ? null : sampleOf(first, way)
  }
  switch (schema['type']) {
    case 'object':
      return objectSample(schema, way)
    case 'array':
      return itemSchemas(schema['items']).map((item) => sampleOf(item, way))
    case 'string':
      return 'sample'
    case 'boolean':
      return false
    default:
      return 77
  }
}

function objectSample(schema: Json, way: Way): Json {
  const required = new Set(listOf(schema['required']))
  const kept = Object.entries(objectOf(schema['properties'])).filter(
    ([name]) => way !== 'absent' || required.has(name),
  )
  return Object.fromEntries(kept.map(([name, property]) => [name, sampleOf(property, way)]))
}

function itemSchemas(items: unknown): unknown[] {
  const { $ref: name } = objectOf(items)
  const schema = typeof name === 'string' ? SHARED[name] : items
  const variants = listOf(objectOf(schema)['oneOf'])
  return variants.length === 0 ? [schema] : variants
}

/** One update of every type of the contract. */
export function updatesIn(way: Way): { type: string; update: Json }[] {
  return listOf(objectOf(SHARED['Update'])['oneOf']).map((schema) => {
    const update = objectOf(sampleOf(schema, way))
    return { type: String(update['update_type']), update }
  })
}

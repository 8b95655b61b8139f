/**
 * Schemas in one form, so that ours and those of an OpenAPI document can be held against each other: references and
 * `allOf` are resolved, variants are listed by what tells them apart, words and formats are left out.
 */

export type Json = Record<string, unknown>

/** What limits a value. */
const LIMITS = [
  'type',
  'enum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minimum',
  'maximum',
  'pattern',
  'uniqueItems',
]

export function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const stringsOf = (value: unknown): string[] => listOf(value).map(String)

interface Place {
  document: Readonly<Json>
  /** Of what was reached through a discriminator: its own base is no variant again. */
  isVariant: boolean
}

/** @param document where references point to: by path, or ours by name */
export function normalForm(given: unknown, document: Readonly<Json> = {}): Json {
  return formOf(given, { document, isVariant: false })
}

function formOf(given: unknown, place: Place): Json {
  const schema = objectOf(given)
  const { $ref: reference } = schema
  if (typeof reference === 'string') return formOf(resolve(place.document, reference), place)
  const [inner, isNullable] = withoutNull(schema)
  if (inner !== schema) return nullable(formOf(inner, place), isNullable)
  const form =
    'discriminator' in schema && !place.isVariant ? chosen(schema, place) : merged(schema, place)
  return nullable(form, schema['nullable'] === true)
}

const nullable = (form: Json, isNullable: boolean): Json =>
  isNullable ? { ...form, nullable: true } : form

function resolve(document: Readonly<Json>, reference: string): unknown {
  if (!reference.startsWith('#/')) return document[reference]
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((at, name) => objectOf(at)[name], document)
}

/** `anyOf` of a schema and null is how ours say nullable. */
function withoutNull(schema: Json): [Json, boolean] {
  const [first, second] = listOf(schema['anyOf'])
  return first !== undefined && objectOf(second)['type'] === 'null'
    ? [objectOf(first), true]
    : [schema, false]
}

/** Variants by the value of the property that tells them apart, which is left out of them. */
function chosen(schema: Json, place: Place): Json {
  const { propertyName, mapping } = objectOf(schema['discriminator'])
  const on = String(propertyName)
  const named: [string, unknown][] =
    mapping === undefined
      ? listOf(schema['oneOf']).map((one) => {
          const { const: name } = objectOf(objectOf(objectOf(one)['properties'])[on])
          return [String(name), one]
        })
      : Object.entries(objectOf(mapping)).map(([name, $ref]) => [name, { $ref }])
  const variants = named.map(([name, one]) => {
    const form = formOf(one, { ...place, isVariant: true })
    const { [on]: _choice, ...properties } = objectOf(form['properties'])
    return [name, { ...form, properties }]
  })
  return { on, variants: Object.fromEntries(variants) }
}

function merged(schema: Json, place: Place): Json {
  const inside = { ...place, isVariant: false }
  const parts = listOf(schema['allOf'])
  // The base of what has properties of its own is not a choice, even when it says how to choose.
  const base = { ...place, isVariant: place.isVariant || parts.length > 1 }
  const forms = parts.map((part) => formOf(part, base))
  const properties = [
    ...forms.flatMap((form) => Object.entries(objectOf(form['properties']))),
    ...Object.entries(objectOf(schema['properties'])).map(([name, property]) => [
      name,
      formOf(property, inside),
    ]),
  ]
  const required = [
    ...forms.flatMap((form) => stringsOf(form['required'])),
    ...stringsOf(schema['required']),
  ]
  const own = {
    ...Object.fromEntries(
      LIMITS.flatMap((name) => (name in schema ? [[name, limit(schema, name)]] : [])),
    ),
    // The document now and then leaves out that what has items is a list.
    ...(schema['items'] === undefined
      ? {}
      : { type: 'array', items: formOf(schema['items'], inside) }),
    ...valuesOf(schema, inside),
  }
  const { nullable: _ofPart, ...inherited } = Object.fromEntries(
    forms.flatMap((form) => Object.entries(form)),
  )
  return {
    ...inherited,
    ...own,
    ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
    ...(required.length === 0 ? {} : { required: [...new Set(required)].toSorted() }),
  }
}

function limit(schema: Json, name: string): unknown {
  return name === 'enum' ? stringsOf(schema['enum']).toSorted() : schema[name]
}

/** Of an object whose properties have any name. */
function valuesOf(schema: Json, place: Place): Json {
  const [values] = [
    ...Object.values(objectOf(schema['patternProperties'])),
    ...('additionalProperties' in schema ? [schema['additionalProperties']] : []),
  ]
  return typeof values === 'object' ? { values: formOf(values, place) } : {}
}

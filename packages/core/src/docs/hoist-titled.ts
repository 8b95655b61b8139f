type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Moves every schema that has a `title` into `components.schemas` and refers to it there, so that the document
 * shows names instead of the same shape many times. TypeBox schemas stay plain values for validation.
 * @throws Error when one title stands for two different shapes
 */
export function hoistTitled<T extends object>(document: T): T {
  const schemas: Json = {}
  const visit = (value: unknown, insideSchema: boolean): unknown => {
    if (Array.isArray(value)) return value.map((item) => visit(item, insideSchema))
    if (!isObject(value)) return value
    const copy: Json = {}
    for (const [key, member] of Object.entries(value)) {
      // Examples are data, whatever their members are called.
      copy[key] =
        key === 'example' || key === 'examples' || key === 'default'
          ? member
          : visit(member, insideSchema || key === 'schema' || key === 'schemas')
    }
    const { title } = copy
    if (!insideSchema || typeof title !== 'string' || !('type' in copy || 'anyOf' in copy))
      return copy
    const known = schemas[title]
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(copy)) {
      throw new Error(`Two different schemas are titled "${title}"`)
    }
    schemas[title] = copy
    return { $ref: `#/components/schemas/${title}` }
  }
  const visited = visit(document, false)
  if (!isObject(visited)) return document
  const components = isObject(visited['components']) ? visited['components'] : {}
  const result = {
    ...visited,
    components: {
      ...components,
      schemas: { ...(isObject(components['schemas']) ? components['schemas'] : {}), ...schemas },
    },
  }
  return Object.assign(document, result)
}

import { isDeepStrictEqual } from 'node:util'
import type { Schemas } from './schemas.ts'

const PREFIX = '#/components/schemas/'

/** The value with every reference to a schema under the name that `rename` gives it. */
function mapReferences(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => mapReferences(item, rename))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === '$ref' && typeof member === 'string' && member.startsWith(PREFIX)
        ? PREFIX + rename(member.slice(PREFIX.length))
        : mapReferences(member, rename),
    ]),
  )
}

/** References to schemas under their new names; those without one keep theirs. */
export const renameReferences = (value: unknown, names: ReadonlyMap<string, string>): unknown =>
  mapReferences(value, (name) => names.get(name) ?? name)

/** Those of `schemas` that `value` refers to, and what they refer to in turn. */
export function referencedBy(value: unknown, schemas: Schemas): Schemas {
  const found: Schemas = {}
  const visit = (part: unknown): void => {
    mapReferences(part, (name) => {
      if (name in schemas && !(name in found)) {
        found[name] = schemas[name]
        visit(schemas[name])
      }
      return name
    })
  }
  visit(value)
  return found
}

/**
 * New names for those of `given` that mean something else among `taken`. One that refers to a renamed schema differs
 * too, so it is looked again until nothing changes.
 */
export function newNames(taken: Schemas, given: Schemas, prefix: string): Map<string, string> {
  const names = new Map<string, string>()
  const isFree = (name: string): boolean =>
    !(name in taken) && !(name in given) && ![...names.values()].includes(name)
  let before = -1
  while (names.size > before) {
    before = names.size
    for (const [name, schema] of Object.entries(given)) {
      const isSame = isDeepStrictEqual(renameReferences(schema, names), taken[name])
      if (!(name in taken) || names.has(name) || isSame) continue
      let free = prefix + name
      for (let count = 2; !isFree(free); count += 1) free = `${prefix}${name}${count}`
      names.set(name, free)
    }
  }
  return names
}

import { Type, type TUnsafe } from '@sinclair/typebox'

/**
 * A string out of a closed list, as one `enum` schema. A union of literals would report one error per member.
 */
export function closedSet<const T extends readonly [string, ...string[]]>(
  values: T,
  options: { default?: T[number]; description?: string; examples?: T[number][] } = {},
): TUnsafe<T[number]> {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...options })
}

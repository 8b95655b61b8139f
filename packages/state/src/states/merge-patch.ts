const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** JSON Merge Patch (RFC 7396) of an object: null removes, objects go deep, everything else replaces. */
export function mergePatch(
  target: Readonly<Record<string, unknown>>,
  patch: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged = new Map(Object.entries(target))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name)
    else if (!isObject(value)) merged.set(name, value)
    else {
      const before = merged.get(name)
      merged.set(name, mergePatch(isObject(before) ? before : {}, value))
    }
  }
  return Object.fromEntries(merged)
}

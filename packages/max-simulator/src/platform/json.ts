/**
 * JSON with 64-bit integers. `seq` of a message is above 2^53: as a number it would be rounded, as a string it would have
 * another type than the platform sends. `JSON.stringify` refuses bigint and `JSON.rawJSON` is not in Node 20.
 */
export function stringify(value: unknown): string {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return `[${value.map((item) => stringify(item ?? null)).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).flatMap(([key, member]) =>
      // Nullable fields are omitted: undefined never reaches the wire.
      member === undefined ? [] : [`${JSON.stringify(key)}:${stringify(member)}`],
    )
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isProblem = (media: unknown): boolean =>
  isObject(media) &&
  isObject(media['schema']) &&
  media['schema']['$ref'] === '#/components/schemas/Problem'

/** What is a problem, by its schema, under its own media type, whatever the route produces otherwise. */
const underItsType = (content: Json): Json =>
  Object.fromEntries(
    Object.entries(content).map(([type, media]) => [
      isProblem(media) ? 'application/problem+json' : type,
      media,
    ]),
  )

/** Routes say "this is a problem" by its schema alone; the document must say how it is sent too (RFC 9457 §3). */
export function problemContent<T extends object>(document: T): T {
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit)
    if (!isObject(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        key,
        key === 'content' && isObject(member) ? underItsType(member) : visit(member),
      ]),
    )
  }
  if (!('paths' in document)) return document
  return Object.assign(document, { paths: visit(document.paths) })
}

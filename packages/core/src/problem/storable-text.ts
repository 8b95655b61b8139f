/** An escape that could make a NUL or a surrogate; raw UTF-8 can hold the first but never the second. */
const SUSPICIOUS = /\\u(?:0000|[dD][89a-fA-F])|\\u0000|\0/u

/**
 * Where a parsed JSON body holds a text that no store of ours can keep (NUL, lone surrogate).
 * @param raw the body as received; without a suspicious escape the tree is not walked
 * @returns a JSON pointer, or undefined when all is well
 */
export function unstorableText(raw: string, value: unknown): string | undefined {
  return SUSPICIOUS.test(raw) ? walk(value, '') : undefined
}

function bad(text: string): boolean {
  return text.includes('\0') || !text.isWellFormed()
}

function walk(value: unknown, path: string): string | undefined {
  if (typeof value === 'string') return bad(value) ? path || '/' : undefined
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, member] of Object.entries(value)) {
    if (bad(key)) return `${path}/<name>`
    const found = walk(member, `${path}/${key}`)
    if (found !== undefined) return found
  }
  return undefined
}

/** Conditional requests over version numbers: the entity tag of version 3 is `"3"` (RFC 9110, 8.8.3 and 13). */
export interface Conditions {
  /** The `If-Match` header. */
  ifMatch?: string | undefined
  /** The `If-None-Match` header. */
  ifNoneMatch?: string | undefined
}

/** What `If-Match` and `If-None-Match` may look like: `*` or a list of quoted tags. */
export const ENTITY_TAGS = '^(?:\\*|(?:W/)?"[^"]{0,64}"(?:\\s*,\\s*(?:W/)?"[^"]{0,64}"){0,15})$'

export const entityTag = (version: number): string => `"${version}"`

const tagsOf = (header: string): string[] => header.split(',').map((tag) => tag.trim())

/** For reads: does the client have this version already? Weak tags count (RFC 9110, 13.1.2). */
export function isKnown(ifNoneMatch: string | undefined, version: number): boolean {
  if (ifNoneMatch === undefined) return false
  const tag = entityTag(version)
  return tagsOf(ifNoneMatch).some((given) => given === '*' || given === tag || given === `W/${tag}`)
}

/**
 * For writes: may the request go on?
 * @param version of what exists; undefined: nothing does
 */
export function isMet({ ifMatch, ifNoneMatch }: Conditions, version: number | undefined): boolean {
  if (ifMatch !== undefined) {
    if (version === undefined) return false
    // If-Match compares strongly: a weak tag never matches (RFC 9110, 13.1.1).
    const tag = entityTag(version)
    if (!tagsOf(ifMatch).some((given) => given === '*' || given === tag)) return false
  }
  return ifNoneMatch === undefined || version === undefined || !isKnown(ifNoneMatch, version)
}

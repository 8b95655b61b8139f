/** Does the client have this already? Weak tags count for reads (RFC 9110 §13.1.2). */
export function hasTag(ifNoneMatch: string | undefined, etag: string | undefined): boolean {
  if (ifNoneMatch === undefined || etag === undefined) return false
  const opaque = (tag: string): string => tag.trim().replace(/^W\//u, '')
  const wanted = opaque(etag)
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === wanted)
}

import type { IncomingHttpHeaders } from 'node:http'

/** Does the caller want the store itself? Conditional requests do: their answer is about the newest version. */
export function wantsStore(headers: IncomingHttpHeaders): boolean {
  // The common case: neither of them is there.
  if (headers['cache-control'] === undefined) {
    return headers['if-none-match'] !== undefined || headers['if-match'] !== undefined
  }
  if (headers['if-none-match'] !== undefined || headers['if-match'] !== undefined) return true
  return directives(headers).some(
    (one) => one === 'no-cache' || one === 'no-store' || one === 'max-age=0',
  )
}

/** The age up to which the caller takes a kept list, milliseconds; undefined: it did not ask for one. */
export function acceptedAgeMs(headers: IncomingHttpHeaders): number | undefined {
  if (headers['cache-control'] === undefined || wantsStore(headers)) return undefined
  const seconds = directives(headers)
    .map((one) => /^max-age=(\d{1,9})$/u.exec(one)?.[1])
    .find((found) => found !== undefined)
  return seconds === undefined ? undefined : Number(seconds) * 1000
}

function directives(headers: IncomingHttpHeaders): string[] {
  const text = headers['cache-control'] ?? ''
  return text.split(',').map((one) => one.trim().toLowerCase())
}

import type { IncomingHttpHeaders } from 'node:http'

/** An answer of 200 that is kept. */
export interface Entry {
  headers: IncomingHttpHeaders
  body: Buffer
  /** When it was asked for, in purges of this process: see `Purges`. */
  askedAt: number
  /** Epoch milliseconds. */
  storedAt: number
  expiresAt: number
}

/** What is known of an answer beside its name and values: map, strings and buffer of an entry, roughly. */
const OVERHEAD_BYTES = 512

export const sizeOf = (key: string, { headers, body }: Entry): number =>
  OVERHEAD_BYTES + 2 * key.length + body.length + JSON.stringify(headers).length

/** Said of one request, not of what was asked for. */
const OF_ONE_ANSWER = new Set(['age', 'connection', 'content-length', 'x-cache'])

/** What may be said again of the same body. */
export function headersToKeep(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_ONE_ANSWER.has(name)))
}

/** Request headers that are part of every key, so that answers may vary by them. */
export const KEY_HEADERS = ['accept', 'accept-encoding', 'accept-language'] as const
const VARIES_BY = new Set<string>([...KEY_HEADERS, 'origin', ''])

const directive = (cacheControl: string, name: string): string | undefined =>
  new RegExp(`(?:^|[\\s,])${name}(?:=("?)(\\d{1,9})\\1)?(?=$|[\\s,])`, 'iu').exec(cacheControl)?.[2]

const says = (cacheControl: string, name: string): boolean =>
  new RegExp(`(?:^|[\\s,])${name}(?=$|[\\s,=])`, 'iu').test(cacheControl)

/**
 * How long an answer may be kept, milliseconds; 0: not at all (RFC 9111 §3).
 * @param isShared several people get it
 */
export function keepMs(
  status: number,
  headers: IncomingHttpHeaders,
  { ttlMs, isShared }: { ttlMs: number; isShared: boolean },
): number {
  const { 'cache-control': cacheControl = '', vary = '' } = headers
  if (status !== 200 || headers['set-cookie'] !== undefined) return 0
  if (vary.split(',').some((field) => !VARIES_BY.has(field.trim().toLowerCase()))) return 0
  if (says(cacheControl, 'no-store') || says(cacheControl, 'no-cache')) return 0
  if (isShared && says(cacheControl, 'private')) return 0
  const own = isShared ? directive(cacheControl, 's-maxage') : undefined
  const seconds = own ?? directive(cacheControl, 'max-age')
  return seconds === undefined ? ttlMs : Math.min(ttlMs, Number(seconds) * 1000)
}

/** What a client says of kept answers. */
export function demandsOf(cacheControl: string | undefined): {
  /** Nothing of this request is kept or was. */
  none: boolean
  /** No older than so many milliseconds. */
  maxAgeMs: number
} {
  if (cacheControl === undefined) return { none: false, maxAgeMs: Infinity }
  if (says(cacheControl, 'no-store')) return { none: true, maxAgeMs: 0 }
  if (says(cacheControl, 'no-cache')) return { none: false, maxAgeMs: 0 }
  const seconds = directive(cacheControl, 'max-age')
  return { none: false, maxAgeMs: seconds === undefined ? Infinity : Number(seconds) * 1000 }
}

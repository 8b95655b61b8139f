import type { IncomingMessage } from 'node:http'
import { BodyUnexpected, HostInvalid, PathInvalid, TooManyHeaders } from './errors.ts'

/** RFC 3986 §3.2.2 without userinfo: a name, an IPv4 address or an IPv6 address in brackets, and a port. */
const HOST =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/u

/**
 * An escaped slash, backslash, percent sign or control character: what one hop decodes and the next decodes again, or
 * ends its line at.
 */
const DOUBLE_MEANING = /%(?:2f|5c|25|[01][0-9a-f]|7f)/iu
/** A fragment is no part of a request: a router ends the path there, and whoever judges the path might not. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const FORBIDDEN = /[\\#\u0000-\u0020\u007F]/u

/** Node hides those beyond its 2000 from us without a word, a second Host among them. */
const HEADER_LIMIT = 100

/** Most paths have none, and need not be taken apart. */
const MAYBE_DOTS = /\/(?:\.|%2e)/iu

/** @throws TooManyHeaders */
export function checkHeaders({ rawHeaders }: IncomingMessage): void {
  if (rawHeaders.length > 2 * HEADER_LIMIT) throw new TooManyHeaders(HEADER_LIMIT)
}

/**
 * Node takes several Host lines, lists and user names in them (RFC 9112 §3.2 wants 400): whoever stands in front may
 * have read another one.
 * @throws HostInvalid
 */
export function checkHost({ rawHeaders, httpVersionMinor }: IncomingMessage): void {
  let host: string | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length !== 4 || name.toLowerCase() !== 'host') continue
    if (host !== undefined) throw new HostInvalid()
    host = rawHeaders[index + 1] ?? ''
  }
  // HTTP/1.0 knew no Host.
  if (host === undefined && httpVersionMinor === 0) return
  if (host === undefined || !HOST.test(host)) throw new HostInvalid()
}

/**
 * The path must mean the same to everybody who decodes it.
 * @throws PathInvalid
 */
export function checkPath(url: string): void {
  const path = url.split('?', 1)[0] ?? ''
  if (!path.startsWith('/') || DOUBLE_MEANING.test(path) || FORBIDDEN.test(path)) {
    throw new PathInvalid()
  }
  if (!MAYBE_DOTS.test(path)) return
  for (const segment of path.split('/')) {
    const plain = segment.replaceAll(/%2e/giu, '.')
    if (plain === '.' || plain === '..') throw new PathInvalid()
  }
}

/**
 * A body where none is expected is skipped by one hop and taken for the next request by another.
 * @throws BodyUnexpected
 */
export function checkBody({ method, headers }: IncomingMessage): void {
  if (method !== 'GET' && method !== 'HEAD') return
  const length = headers['content-length']
  if (headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')) {
    throw new BodyUnexpected()
  }
}

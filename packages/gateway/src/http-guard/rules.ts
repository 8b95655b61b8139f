import type { IncomingMessage } from 'node:http'
import { BodyUnexpected, HostInvalid, PathInvalid } from './errors.ts'

/** RFC 3986 §3.2.2 without userinfo: a name, an IPv4 address or an IPv6 address in brackets, and a port. */
const HOST =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/u

/** An escaped slash, backslash, NUL or percent sign: what one hop decodes and the next decodes again. */
const DOUBLE_MEANING = /%(?:2f|5c|00|25)/iu
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const FORBIDDEN = /[\\\u0000-\u0020\u007F]/u

/** Most paths have none, and need not be taken apart. */
const MAYBE_DOTS = /\/(?:\.|%2e)/iu

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

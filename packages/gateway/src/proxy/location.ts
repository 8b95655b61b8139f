import type { IncomingHttpHeaders } from 'node:http'
import type { Upstream } from '../upstreams/index.ts'
import { outsideOf, type Target } from './targets.ts'

type Place = Pick<Upstream, 'origin' | 'basePath'>

/**
 * Where the client finds what the service calls so: under our paths when it is the service's own, untouched when it is
 * somewhere else, undefined when no path of ours leads there. An address inside is nobody's business outside.
 */
export function outsideLocation(
  location: string,
  { origin, basePath }: Place,
  targets: readonly Target[],
): string | undefined {
  // Relative to what was asked for, which is the same on both sides.
  if (!/^(?:[a-z][a-z0-9+.-]*:|\/)/iu.test(location)) return location
  if (!URL.canParse(location, origin)) return undefined
  const url = new URL(location, origin)
  if (url.origin !== origin) return location
  if (!url.pathname.startsWith(`${basePath}/`)) return undefined
  const path = url.pathname.slice(basePath.length)
  for (const target of targets) {
    const found = outsideOf(path, target)
    if (found !== undefined) return found + url.search + url.hash
  }
  return undefined
}

/** The headers with their locations as they are outside; those that lead nowhere are left out. */
export function withOutsideLocations(
  headers: IncomingHttpHeaders,
  place: Place,
  targets: readonly Target[],
): IncomingHttpHeaders {
  if (headers.location === undefined && headers['content-location'] === undefined) return headers
  const result = { ...headers }
  for (const name of ['location', 'content-location'] as const) {
    const { [name]: given } = headers
    if (given === undefined) continue
    const found = outsideLocation(given, place, targets)
    if (found === undefined) delete result[name]
    else result[name] = found
  }
  return result
}

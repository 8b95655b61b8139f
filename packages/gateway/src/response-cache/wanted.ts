import type { FastifyRequest } from 'fastify'
import { aboutRead } from './about.ts'
import { demandsOf, KEY_HEADERS } from './entry.ts'
import type { Wanted } from './flights.ts'

/** How the answers of some routes may be kept. */
export interface Keeping {
  /** Whose they are: of all with the same rights, or of one person. */
  sharedBy: 'rights' | 'person'
  /** The event log tells of their changes. Without it only their time ends them. */
  isFollowed: boolean
}

const KEY_LIMIT = 4096

/** Asks for a part, for something else under a condition, or in another way: not for what is kept. */
const UNUSUAL = ['if-match', 'if-modified-since', 'if-unmodified-since', 'prefer', 'range'] as const

/** Decoded once; the HTTP guard has refused what could be read twice. */
export const pathOf = (url: string): string => {
  const path = url.split('?', 1)[0] ?? ''
  return path.includes('%') ? decodeURIComponent(path) : path
}

/** Everything that tells one caller's answers from another's. */
function callerOf({ principal, decision }: FastifyRequest, { sharedBy }: Keeping): string[] {
  const rights = [...principal.roles.toSorted(), decision.scopeOwn ? 'own' : 'all']
  const isOwn = sharedBy === 'person' || decision.scopeOwn
  return isOwn ? ['person', principal.id, ...rights] : ['rights', ...rights]
}

/** Undefined when the answer is none that could be kept. */
export function wantedOf(request: FastifyRequest, keeping: Keeping): Wanted | undefined {
  const { headers, method, url } = request
  if (method !== 'GET' || UNUSUAL.some((name) => headers[name] !== undefined)) return undefined
  const { none, maxAgeMs } = demandsOf(headers['cache-control'])
  if (none) return undefined
  // As JSON: no caller can write the end of one part and the beginning of the next.
  const key = JSON.stringify([
    url,
    KEY_HEADERS.map((name) => headers[name] ?? null),
    callerOf(request, keeping),
  ])
  if (key.length > KEY_LIMIT) return undefined
  return {
    key,
    maxAgeMs,
    tags: aboutRead(pathOf(url)),
    isShared: keeping.sharedBy === 'rights',
    isFollowed: keeping.isFollowed,
  }
}

import type { Entry } from './entry.ts'
import {
  createFlights,
  type Flight,
  type FlightsOptions,
  type Landing,
  type Wanted,
} from './flights.ts'

/** Why it was passed on (RFC 9211 §2.2). */
type Why = 'uri-miss' | 'stale' | 'request'

export type Found =
  | { kind: 'hit'; entry: Entry; collapsed: boolean }
  | { kind: 'miss'; flight: Flight; why: Why }
  | { kind: 'bypass' }

export interface ResponseCacheOptions extends Omit<FlightsOptions, 'isHeard'> {
  /** How long a question waits for the answer to another that is the same; then it is asked too. */
  patienceMs: number
  /** The event log is heard. */
  isHearing: () => boolean
}

/** Kept answers, and one question at a time for each that is not kept. Knows no HTTP server. */
export function createResponseCache({ isHearing, patienceMs, ...options }: ResponseCacheOptions) {
  const { memory, purges, shared, now } = options
  const isHeard = ({ isFollowed }: Wanted): boolean => !isFollowed || isHearing()
  const flights = createFlights({ ...options, isHeard })

  function isFresh(entry: Entry, { tags, maxAgeMs }: Wanted): boolean {
    const at = now()
    return (
      at < entry.expiresAt &&
      at - entry.storedAt < maxAgeMs &&
      purges.isCurrent(tags, entry.askedAt)
    )
  }

  /** From the other replicas; who comes meanwhile waits for it as for an answer. */
  async function elsewhere(wanted: Wanted, land: (landing: Landing) => void) {
    if (shared === undefined || !wanted.isFollowed) return undefined
    const entry = await shared.get(wanted.key, wanted.tags)
    if (entry === undefined || !isFresh(entry, wanted) || !isHeard(wanted)) return undefined
    memory.set(wanted.key, entry)
    land(entry)
    return entry
  }

  async function find(wanted: Wanted): Promise<Found> {
    for (;;) {
      if (!isHeard(wanted)) return { kind: 'bypass' }
      const entry = memory.get(wanted.key)
      if (entry !== undefined && isFresh(entry, wanted)) {
        return { kind: 'hit', entry, collapsed: false }
      }
      const running = flights.running(wanted.key)
      const mayWait = wanted.maxAgeMs > 0 && running !== undefined
      if (!mayWait || !purges.isCurrent(wanted.tags, running.askedAt)) {
        const { flight, land } = flights.begin(wanted)
        if (wanted.maxAgeMs === 0) return { kind: 'miss', flight, why: 'request' }
        const found = await elsewhere(wanted, land)
        if (found !== undefined) return { kind: 'hit', entry: found, collapsed: false }
        return { kind: 'miss', flight, why: entry === undefined ? 'uri-miss' : 'stale' }
      }
      const landing = await soon(running.landed, patienceMs)
      if (landing === 'unstorable') return { kind: 'bypass' }
      if (landing !== 'abandoned' && isFresh(landing, wanted)) {
        return { kind: 'hit', entry: landing, collapsed: true }
      }
    }
  }

  return { find }
}

/** The landing, or that there is none to wait for. */
async function soon(landed: Promise<Landing>, ms: number): Promise<Landing> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Landing>((resolve) => {
    timer = setTimeout(resolve, ms, 'unstorable')
  })
  const landing = await Promise.race([landed, late])
  clearTimeout(timer)
  return landing
}

import type { IncomingHttpHeaders } from 'node:http'
import { headersToKeep, keepMs, type Entry } from './entry.ts'
import type { Memory } from './memory.ts'
import type { Purges, Tag } from './purges.ts'
import type { Place, Shared } from './shared.ts'

export interface Wanted {
  /** Everything that the answer depends on. */
  key: string
  /** What it is about: when one of these changes it is not kept on. */
  tags: readonly Tag[]
  /** Several people get it. */
  isShared: boolean
  /** No kept answer older than so many milliseconds will do. */
  maxAgeMs: number
  /** The event log tells of its changes. */
  isFollowed: boolean
}

export type Landing = Entry | 'unstorable' | 'abandoned'

/** What the service behind answered. */
export interface Answered {
  status: number
  /** As it said them. */
  headers: IncomingHttpHeaders
  /** As clients are told them. */
  told: IncomingHttpHeaders
  /** A Buffer when it is whole; anything else is not kept. */
  body: unknown
}

export interface Flight {
  /** @returns whether it is kept */
  settle: (answered: Answered) => boolean
  /** It failed: whoever waits tries for themselves. Without effect after `settle`. */
  fail: () => void
  /** Nobody wanted it any more: one of those who wait asks anew. Without effect after `settle`. */
  abandon: () => void
}

/** A question under way. */
export interface Running {
  askedAt: number
  landed: Promise<Landing>
}

export interface FlightsOptions {
  ttlMs: number
  memory: Memory
  purges: Purges
  /** Undefined without Redis. */
  shared: Shared | undefined
  /** Changes of this are heard of. */
  isHeard: (wanted: Wanted) => boolean
  /** Epoch milliseconds. */
  now: () => number
}

/** Questions under way, one for each key, and what becomes of their answers. */
export function createFlights({ ttlMs, memory, purges, shared, isHeard, now }: FlightsOptions) {
  const flights = new Map<string, Running>()

  function keep({ key, isFollowed }: Wanted, entry: Entry, place: Place | undefined): void {
    memory.set(key, entry)
    // What no event tells of could not be taken back from the other replicas.
    if (place !== undefined && isFollowed) void shared?.set(key, entry, place)
  }

  /** The entry that an answer makes; undefined when it is none to keep. */
  function entryOf(
    { status, headers, told, body }: Answered,
    { isShared }: Wanted,
    askedAt: number,
  ) {
    const ms = Buffer.isBuffer(body) ? keepMs(status, headers, { ttlMs, isShared }) : 0
    if (ms === 0 || !Buffer.isBuffer(body)) return undefined
    const storedAt = now()
    return { headers: headersToKeep(told), body, askedAt, storedAt, expiresAt: storedAt + ms }
  }

  return {
    running: (key: string): Running | undefined => flights.get(key),
    begin(wanted: Wanted): { flight: Flight; land: (landing: Landing) => void } {
      const { key, tags } = wanted
      const askedAt = purges.now()
      const place = purges.place()
      let resolve: (landing: Landing) => void = () => undefined
      const landed = new Promise<Landing>((done) => (resolve = done))
      const running = { askedAt, landed }
      flights.set(key, running)
      const land = (landing: Landing): void => {
        // A later one may have taken its place.
        if (flights.get(key) === running) flights.delete(key)
        resolve(landing)
      }
      const settle: Flight['settle'] = (answered) => {
        const entry = entryOf(answered, wanted, askedAt)
        // What changed while it was under way may not be in it.
        const isCurrent = purges.isCurrent(tags, askedAt) && isHeard(wanted)
        if (entry !== undefined && isCurrent) keep(wanted, entry, place)
        if (entry === undefined) land('unstorable')
        else land(isCurrent ? entry : 'abandoned')
        return entry !== undefined && isCurrent
      }
      const flight = { settle, fail: () => land('unstorable'), abandon: () => land('abandoned') }
      return { land, flight }
    },
  }
}

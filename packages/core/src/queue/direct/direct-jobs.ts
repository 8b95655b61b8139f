import { performance } from 'node:perf_hooks'
import type { Place, Stored } from './bundles.ts'
import type { TakenUp } from '../job-row.ts'

/** What one lane may have in memory of what all may have together. */
const SHARE_OF_A_LANE = 1 / 8
/** Of the places, what lanes may have up to their own limits; one that has nothing may have one of the rest. */
const SHARE_OF_PLACES = 3 / 4
/** Nothing but rows, which are claimed, may have these. */
const SHARE_OF_ROWS = 1 / 16
/** Longer than a transaction takes. */
const UNDECIDED_MS = 15_000
/** Jobs that have gone and still stand in the list of their lane. */
const GONE_KEPT = 256

/** A job that goes to its worker from memory. */
export interface DirectJob<Payload> extends TakenUp {
  readonly place: Place
  readonly payload: Payload
  /** Epoch ms. */
  readonly createdAt: number
  /** `performance.now()` of its commit. */
  readonly since: number
  /** Its turn among all. */
  readonly serial: number
  waiting: boolean
}

/** The part of the workers that direct jobs need. */
export interface Places<Payload> {
  readonly free: number
  takenOf: (lane: string) => number
  start: (job: DirectJob<Payload>) => void
}

export interface DirectJobsOptions<Payload> {
  /** Jobs in memory, over all lanes. */
  limit: number
  concurrency: number
  laneLimit: (lane: string) => number
  places: Places<Payload>
  /** More outcomes wait to be stored than should. */
  clogged: () => boolean
}

interface Lane<Payload> {
  /** Waiting, the oldest first; those before `head` have gone. */
  queue: DirectJob<Payload>[]
  head: number
  /** In memory, the running ones included. */
  size: number
}

/** The oldest that waits still. */
function firstOf<Payload>(lane: Lane<Payload>): DirectJob<Payload> | undefined {
  for (; lane.head < lane.queue.length; lane.head += 1) {
    const job = lane.queue[lane.head]
    if (job?.waiting === true) break
  }
  if (lane.head >= GONE_KEPT) lane.queue.splice(0, lane.head)
  if (lane.head >= GONE_KEPT) lane.head = 0
  return lane.queue[lane.head]
}

/**
 * The jobs of the bundles that this process stored itself, in the order of their turn: they need no claim, because
 * nobody else can take them. The bundles are the truth; this is forgotten with the process.
 */
export class DirectJobs<Payload> {
  readonly #options: DirectJobsOptions<Payload>
  readonly #known = new Map<string, DirectJob<Payload>>()
  readonly #lanes = new Map<string, Lane<Payload>>()
  readonly #hesitating = new Set<DirectJob<Payload>>()
  #newestBundle = 0
  #serial = 0
  #waiting = 0
  #running = 0
  #open = false
  #filling = false

  constructor(options: DirectJobsOptions<Payload>) {
    this.#options = options
  }

  /** Jobs may come. */
  open(): void {
    this.#open = true
  }

  /** Nothing is started any more; what is left is taken up by the next process. */
  close(): void {
    this.#open = false
  }

  /** Have all of them room in memory? @param jobs how many more, by lane */
  hasRoom(lane: string, jobs: number, all: number): boolean {
    const { limit } = this.#options
    if (!this.#open || this.#known.size + all > limit) return false
    return (this.#lanes.get(lane)?.size ?? 0) + jobs <= Math.max(1, limit * SHARE_OF_A_LANE)
  }

  get isEmpty(): boolean {
    return this.#known.size === 0
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Those whose work is under way. */
  get running(): number {
    return this.#running
  }

  /** The greatest number of a bundle whose jobs came; all of it and of those before it was here. */
  get newestBundle(): number {
    return this.#newestBundle
  }

  /** Takes what was committed just now, and begins. */
  add(stored: readonly Stored<Payload>[]): void {
    const since = performance.now()
    for (const { id, lane, place, payload, created_at: createdAt } of stored) {
      this.#serial += 1
      this.#newestBundle = Math.max(this.#newestBundle, place.bundle)
      const job: DirectJob<Payload> = {
        id,
        lane,
        place,
        payload,
        createdAt,
        since,
        serial: this.#serial,
        attempt: 1,
        leases: 1,
        waiting: true,
      }
      this.#known.set(id, job)
      const known = this.#lanes.get(lane) ?? { queue: [], head: 0, size: 0 }
      known.queue.push(job)
      known.size += 1
      this.#lanes.set(lane, known)
      this.#waiting += 1
    }
    this.fill()
  }

  /** The work of one is done: its place is free. */
  ended(): void {
    this.#running -= 1
    this.fill()
  }

  /**
   * A transaction has taken them out, and nobody knows yet whether it commits: they wait. Those that it did not take in the
   * end go on after a while.
   */
  hesitate(jobs: readonly DirectJob<Payload>[]): void {
    const waiting = jobs.filter((job) => job.waiting)
    if (waiting.length === 0) return
    for (const job of waiting) this.#hesitating.add(job)
    setTimeout(() => {
      for (const job of waiting) this.#hesitating.delete(job)
      this.fill()
    }, UNDECIDED_MS).unref()
  }

  /** It is stored elsewhere, or done. */
  forget(job: DirectJob<Payload>): void {
    if (this.#known.get(job.id) !== job) return
    this.#known.delete(job.id)
    const lane = this.#lanes.get(job.lane)
    if (lane === undefined) return
    lane.size -= 1
    if (job.waiting) {
      // Found again when its turn comes.
      job.waiting = false
      this.#waiting -= 1
    }
    if (lane.size === 0) this.#lanes.delete(job.lane)
  }

  find(id: string): DirectJob<Payload> | undefined {
    return this.#known.get(id)
  }

  /** In the order of their turn. */
  all(): IterableIterator<DirectJob<Payload>> {
    return this.#known.values()
  }

  /** Starts what has a place by the next turn of the loop: what ends together is known together. */
  fill(): void {
    if (this.#filling || this.#waiting === 0) return
    this.#filling = true
    setImmediate(() => {
      this.#filling = false
      // A lane of which one was started goes behind the others, and is met again.
      for (const [name, lane] of this.#lanes) {
        if (this.#waiting === 0 || !this.#hasPlace()) return
        this.#next(name, lane)
      }
    })
  }

  #hasPlace(): boolean {
    const { places, clogged } = this.#options
    return this.#open && places.free > 0 && !clogged()
  }

  get #isPlenty(): boolean {
    return this.#running < this.#options.concurrency * SHARE_OF_PLACES
  }

  /** Is there a place for a lane that has none, and others for rows still? */
  get #isLeft(): boolean {
    const { concurrency } = this.#options
    return this.#running < concurrency - Math.max(1, Math.floor(concurrency * SHARE_OF_ROWS))
  }

  #next(name: string, lane: Lane<Payload>): void {
    const { laneLimit, places } = this.#options
    const job = firstOf(lane)
    if (job === undefined || this.#hesitating.has(job)) return
    const taken = places.takenOf(name)
    if (taken >= (this.#isPlenty ? laneLimit(name) : this.#isLeft ? 1 : 0)) return
    lane.head += 1
    this.#lanes.delete(name)
    this.#lanes.set(name, lane)
    job.waiting = false
    this.#waiting -= 1
    this.#running += 1
    places.start(job)
  }
}

/** Everything the simulator keeps is bounded; these are the names of the bounds. */
export interface Bounds {
  readonly people: number
  readonly groups: number
  /** Members of one group. */
  readonly members: number
  /** Messages of all chats together; the oldest go first. */
  readonly messages: number
  readonly callbacks: number
  readonly uploads: number
  /** Bytes of one uploaded file; the platform takes far more. */
  readonly uploadBytes: number
  /** Bytes of all uploaded files together; the oldest contents go first. */
  readonly uploadedBytes: number
  readonly subscriptions: number
  /** Pushes queued, running or waiting for a retry; what comes above is dropped and counted. */
  readonly pendingPushes: number
  readonly concurrentPushes: number
  /** Updates kept for polling. */
  readonly pollEvents: number
  /** Updates that wait in the delay and reorder faults. */
  readonly heldUpdates: number
  readonly requestLog: number
  /** Of the description of the Bot API. */
  readonly violations: number
  readonly deliveryLog: number
  readonly apiFaults: number
  /** Watchers of the chat page's stream. */
  readonly streams: number
}

export const DEFAULT_BOUNDS: Bounds = {
  people: 1000,
  groups: 200,
  members: 500,
  messages: 20_000,
  callbacks: 10_000,
  uploads: 200,
  uploadBytes: 16 * 1024 * 1024,
  uploadedBytes: 64 * 1024 * 1024,
  subscriptions: 10,
  pendingPushes: 20_000,
  concurrentPushes: 64,
  pollEvents: 20_000,
  heldUpdates: 10_000,
  requestLog: 2000,
  violations: 200,
  deliveryLog: 2000,
  apiFaults: 100,
  streams: 16,
}

/** Keeps a map at its size by letting the oldest entries go (maps remember the order of insertion). */
export function forgetOldest<K, V>(map: Map<K, V>, size: number, gone?: (value: V) => void): void {
  for (const [key, value] of map) {
    if (map.size <= size) return
    map.delete(key)
    gone?.(value)
  }
}

/** The newest `size` entries, oldest first. */
export class Ring<T> {
  readonly #size: number
  #entries: T[] = []

  constructor(size: number) {
    this.#size = size
  }

  push(entry: T): void {
    this.#entries.push(entry)
    // Cut in blocks: shifting at every push would move the whole array each time.
    if (this.#entries.length >= this.#size * 2) this.#entries = this.#entries.slice(-this.#size)
  }

  list(): readonly T[] {
    return this.#entries.slice(-this.#size)
  }

  clear(): void {
    this.#entries = []
  }
}

export interface ShortMemoryOptions {
  /** Entries; the one that was set longest ago goes first. */
  limit: number
  ttlMs: number
  now: () => number
}

/** A bounded map whose entries are forgotten after a time. */
export function createShortMemory<K, V>({ limit, ttlMs, now }: ShortMemoryOptions) {
  const entries = new Map<K, { value: V; until: number }>()
  return {
    get(key: K): V | undefined {
      const entry = entries.get(key)
      if (entry !== undefined && entry.until > now()) return entry.value
      entries.delete(key)
      return undefined
    },
    set(key: K, value: V): void {
      entries.delete(key)
      entries.set(key, { value, until: now() + ttlMs })
      for (const oldest of entries.keys()) {
        if (entries.size <= limit) break
        entries.delete(oldest)
      }
    },
    delete(key: K): void {
      entries.delete(key)
    },
  }
}

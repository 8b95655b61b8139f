import { sizeOf, type Entry } from './entry.ts'

/** Kept answers of this process; those used longest ago go first. */
export function createMemory(maxBytes: number) {
  const entries = new Map<string, { entry: Entry; bytes: number }>()
  let bytes = 0

  function remove(key: string): void {
    const found = entries.get(key)
    if (found === undefined) return
    entries.delete(key)
    bytes -= found.bytes
  }

  return {
    get(key: string): Entry | undefined {
      const found = entries.get(key)
      if (found === undefined) return undefined
      entries.delete(key)
      entries.set(key, found)
      return found.entry
    },
    set(key: string, entry: Entry): void {
      const size = sizeOf(key, entry)
      remove(key)
      if (size > maxBytes) return
      entries.set(key, { entry, bytes: size })
      bytes += size
      while (bytes > maxBytes) {
        const [oldest] = entries.keys()
        if (oldest === undefined) return
        remove(oldest)
      }
    },
    remove,
    clear(): void {
      entries.clear()
      bytes = 0
    },
    bytes: () => bytes,
  }
}

export type Memory = ReturnType<typeof createMemory>

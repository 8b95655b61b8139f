export interface MemoryLimits {
  /** Keys at most. */
  entries: number
  /** Characters of all texts at most. */
  characters: number
}

interface Kept {
  /** A text, or the bytes of one. */
  body: { readonly length: number } | undefined
}

/** A key and a record without text, roughly. */
const OVERHEAD_CHARACTERS = 128

/**
 * A bounded map that forgets what has not been used for long. Two halves: what is used moves to the young one; when that
 * is full it becomes the old one, and what nobody moved in the meantime goes. That costs a hit nothing.
 */
export function createMemory<T extends Kept>({ entries, characters }: MemoryLimits) {
  let young = new Map<string, T>()
  let old = new Map<string, T>()
  let size = 0

  const sizeOf = (kept: T | undefined): number =>
    kept === undefined ? 0 : OVERHEAD_CHARACTERS + (kept.body?.length ?? 0)

  function set(key: string, kept: T): void {
    size += sizeOf(kept) - sizeOf(young.get(key))
    young.set(key, kept)
    old.delete(key)
    if (young.size * 2 < entries && size * 2 < characters) return
    old = young
    young = new Map()
    size = 0
  }

  return {
    get(key: string): T | undefined {
      const kept = young.get(key)
      if (kept !== undefined) return kept
      const aged = old.get(key)
      if (aged !== undefined) set(key, aged)
      return aged
    },
    set,
    clear(): void {
      young = new Map()
      old = new Map()
      size = 0
    },
    /** Everything that is kept, in no order. What is set meanwhile may be left out. */
    items: (): [key: string, kept: T][] => [...young, ...old],
    count: (): number => young.size + old.size,
  }
}

export type Memory<T extends Kept> = ReturnType<typeof createMemory<T>>

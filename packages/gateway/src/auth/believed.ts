/**
 * What was found to be good, by the text that proved it. Of the bad nothing is kept: whoever makes tokens up could fill
 * any memory. The oldest go first.
 */
export function createBelieved<T>(limit: number) {
  const known = new Map<string, T>()
  return {
    get: (proof: string): T | undefined => known.get(proof),
    add(proof: string, value: T): void {
      known.set(proof, value)
      if (known.size <= limit) return
      const [oldest] = known.keys()
      if (oldest !== undefined) known.delete(oldest)
    },
  }
}

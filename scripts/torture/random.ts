/** A small seeded generator (mulberry32): a failing run can be played again. */
export function createRandom(seed: number) {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    /** An integer from `least` to `most`, both included. */
    integer: (least: number, most: number): number =>
      least + Math.floor(next() * (most - least + 1)),
    pick<T>(values: readonly [T, ...T[]]): T {
      return values[Math.floor(next() * values.length)] ?? values[0]
    },
  }
}

export type Random = ReturnType<typeof createRandom>

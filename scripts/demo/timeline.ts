import { performance } from 'node:perf_hooks'

/** Prints what happens as it happens, with the milliseconds since the start and since the step before. */
export function createTimeline(print: (line: string) => void) {
  const startedAt = performance.now()
  let before = startedAt
  return {
    step(who: string, what: string): void {
      const now = performance.now()
      const total = (now - startedAt).toFixed(0).padStart(6)
      const since = `+${(now - before).toFixed(0)}`.padStart(6)
      print(`${total} ms ${since}   ${who.padEnd(10)} ${what}`)
      before = now
    },
  }
}

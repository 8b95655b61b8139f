import type { Random } from './random.ts'

export type Store = 'sqlite' | 'postgres'

export interface TortureOptions {
  store: Store
  rounds: number
  random: Random
  /** Requests a second, where the subject is asked at a fixed rate; it has one of its own. */
  rate?: number
  /** One line a round. */
  report: (line: string) => void
}

export interface TortureResult {
  /** What was held against what, in words. */
  checked: string
  /** Every violation, in words; empty is what we want. */
  faults: string[]
}

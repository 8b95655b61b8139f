import { vi } from 'vitest'
import { patience } from './patience.ts'

/** Looks again and again until it does not throw any more. */
export function eventually<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(look, patience)
}

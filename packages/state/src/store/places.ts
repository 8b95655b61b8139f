import { readsBusy } from './errors.ts'

/**
 * A number of places for work and for those who wait for one.
 * @returns runs work in a place; throws 503 when too many wait already
 */
export function createPlaces(places: number, waitingLimit: number) {
  const waiting: (() => void)[] = []
  let free = places

  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (free === 0) {
      if (waiting.length >= waitingLimit) throw readsBusy()
      await new Promise<void>((resolve) => void waiting.push(resolve))
    } else free -= 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      // The place is handed on, so that nobody who comes meanwhile takes it.
      if (next === undefined) free += 1
      else next()
    }
  }
}

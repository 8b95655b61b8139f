import { readsBusy } from './errors.ts'

export interface PlacesOptions {
  /** How many run at once. */
  places: number
  /** How many may wait for one. */
  waitingLimit: number
  /** How long one may wait, milliseconds. */
  waitMs: number
}

/**
 * A number of places for work and for those who wait for one.
 * @returns runs work in a place; throws 503 when too many wait already, or none was free in time
 */
export function createPlaces({ places, waitingLimit, waitMs }: PlacesOptions) {
  const waiting = new Set<() => void>()
  let free = places

  /** A place is handed on to the one who has waited longest, so that nobody who comes meanwhile takes it. */
  function leave(): void {
    const [next] = waiting
    if (next === undefined) free += 1
    else next()
  }

  function enter(): Promise<void> {
    if (free > 0) {
      free -= 1
      return Promise.resolve()
    }
    if (waiting.size >= waitingLimit) return Promise.reject(readsBusy())
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer)
        waiting.delete(take)
        settle()
      }
      const take = (): void => end(resolve)
      const timer = setTimeout(() => end(() => reject(readsBusy())), waitMs)
      waiting.add(take)
    })
  }

  return async <T>(work: () => Promise<T>): Promise<T> => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}

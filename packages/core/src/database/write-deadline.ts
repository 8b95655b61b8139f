import { DatabaseWriteTimeout } from './errors.ts'

/** Ends the wait for a write that takes too long: one timer serves all, since SQLite writes go one after another. */
export function createDeadline(timeoutMs: number) {
  let expire: ((error: Error) => void) | undefined
  const timer = setTimeout(() => expire?.(new DatabaseWriteTimeout(timeoutMs)), timeoutMs).unref()

  return {
    within<T>(work: Promise<T>): Promise<T> {
      timer.refresh()
      return new Promise<T>((resolve, reject) => {
        expire = reject
        work.then(resolve, reject)
      })
    },
    clear: () => clearTimeout(timer),
  }
}

/** The same for one write, with a timer of its own. @throws DatabaseWriteTimeout */
export async function within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DatabaseWriteTimeout(timeoutMs)), timeoutMs)
  })
  try {
    return await Promise.race([work, expired])
  } finally {
    clearTimeout(timer)
  }
}

import { PasswordsBusy } from './errors.ts'

export interface GateOptions {
  /** Works that run at once. */
  concurrency: number
  /** Works that may wait. */
  queueLimit: number
}

/** Seconds after which a refused caller may find room: a full queue is worked off in about this time. */
const RETRY_AFTER_SECONDS = 1

/** Lets so many works run at once and so many wait, first come first served; refuses the rest. */
export function createGate({ concurrency, queueLimit }: GateOptions) {
  const waiting: (() => void)[] = []
  let running = 0

  const enter = (): Promise<void> | undefined => {
    if (running < concurrency) {
      running += 1
      return undefined
    }
    if (waiting.length >= queueLimit) {
      throw Object.assign(new PasswordsBusy(), { retryAfterSeconds: RETRY_AFTER_SECONDS })
    }
    return new Promise((resolve) => waiting.push(resolve))
  }
  const leave = (): void => {
    const next = waiting.shift()
    // The place goes straight to the next one; `running` stays.
    if (next === undefined) running -= 1
    else next()
  }

  const pass = async <T>(work: () => Promise<T>): Promise<T> => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
  return Object.assign(pass, { waiting: () => waiting.length })
}

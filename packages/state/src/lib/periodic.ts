import type { DatabaseLog } from '@potok/core/database'

export interface PeriodicOptions {
  /** Stops early when the signal aborts. An error is logged and the next turn tries again. */
  run: (signal: AbortSignal) => Promise<void>
  /** From the start of one turn to the start of the next; a turn that takes longer is not doubled. */
  everyMs: number
  log: DatabaseLog
  /** What could not be done, for the log: `old events could not be removed`. */
  failure: string
}

/** Does housekeeping again and again until it is closed. */
export function createPeriodic({ run, everyMs, log, failure }: PeriodicOptions) {
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined

  async function turn(): Promise<void> {
    try {
      await run(abort.signal)
    } catch (error) {
      if (!abort.signal.aborted) log.warn({ err: error }, failure)
    } finally {
      running = undefined
    }
  }

  return {
    start(): void {
      timer = setInterval(() => void (running ??= turn()), everyMs).unref()
    },
    /** Waits for the turn that runs. */
    async close(): Promise<void> {
      abort.abort()
      clearInterval(timer)
      await running
    },
  }
}

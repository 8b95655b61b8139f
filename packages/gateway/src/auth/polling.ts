/**
 * Does something again and again, `pollMs` after the end of the time before, and at once when asked.
 * @param work never rejects
 */
export function createPolling(work: () => Promise<void>, pollMs: number) {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let running = false
  /** Asked for while it was under way. */
  let again = false

  async function run(): Promise<void> {
    running = true
    again = false
    await work()
    running = false
    runIn(again ? 0 : pollMs)
  }

  function runIn(waitMs: number): void {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(() => void run(), waitMs)
  }

  return {
    start: (): void => runIn(pollMs),
    now(): void {
      if (running) again = true
      else runIn(0)
    },
    stop(): void {
      stopped = true
      clearTimeout(timer)
    },
  }
}

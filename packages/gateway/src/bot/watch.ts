import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { backOffMs } from './delivery.ts'

export interface WatchDeps {
  /** Looks after something; an error is logged and tried again sooner. */
  work: (signal: AbortSignal) => Promise<void>
  everyMs: number
  log: FastifyBaseLogger
  /** What is looked after, for the log. */
  name: string
}

/** Does something again and again, for as long as the process runs, whatever goes wrong. */
export function createWatch({ work, everyMs, log, name }: WatchDeps) {
  const closing = new AbortController()
  const { signal } = closing
  let running: Promise<void> | undefined
  let isHealthy = false

  async function run(): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      try {
        await work(signal)
        if (failures > 0) log.info({ watch: name, failures }, 'the bot can do this again')
        failures = 0
        isHealthy = true
      } catch (error) {
        if (signal.aborted) return
        failures += 1
        isHealthy = false
        // The first failure and every tenth: an outage of hours needs no line a minute.
        if (failures % 10 === 1)
          log.warn({ err: error, watch: name, failures }, 'the bot cannot do this, trying again')
      }
      const wait = failures === 0 ? everyMs : Math.min(everyMs, backOffMs(failures))
      await pause(wait, undefined, { signal }).catch(() => undefined)
    }
  }

  return {
    /** Did it work the last time? */
    healthy: (): boolean => isHealthy,
    start(): void {
      running ??= run()
    },
    async close(): Promise<void> {
      closing.abort()
      await running
    },
  }
}

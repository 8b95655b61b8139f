/**
 * Shutdown: a signal drains, closes and ends the process; a second signal ends it at once.
 */
import { setTimeout as pause } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import type { FastifyBaseLogger } from 'fastify'

/** The part of an app that a shutdown needs. */
export interface Closable {
  close: () => PromiseLike<unknown>
  /** Readiness answers 503 and every answer says `Connection: close` once it is draining. */
  health: { draining: boolean }
}

export interface ShutdownOptions {
  /** How long the process still answers, with readiness 503, before it stops accepting, milliseconds. */
  delayMs: number
  /** How long closing may take after that; then the process exits with 1, milliseconds. */
  timeoutMs: number
  log: FastifyBaseLogger
}

/** Faults of the program or signals with another meaning: their default action is the right one. */
const NOT_OURS: closeWithGrace.AllEvents[] = [
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGILL',
  'SIGSEGV',
  'SIGTRAP',
  'SIGUSR2',
]

/** Ends the process with grace on SIGTERM, SIGINT and on what nobody caught. */
export function installShutdown(app: Closable, options: ShutdownOptions): void {
  const { delayMs, timeoutMs } = options
  const log = options.log.child({ context: 'Process' })
  closeWithGrace(
    {
      delay: delayMs + timeoutMs,
      logger: false,
      skip: NOT_OURS,
      onSecondSignal: (signal) => log.warn({ signal }, 'second signal, exiting at once'),
      onSecondError: (err) => log.fatal({ err }, 'error while closing, exiting at once'),
      onTimeout: () => log.error({ timeoutMs, open: openResources() }, 'could not close in time'),
    },
    async ({ err, signal }) => {
      app.health.draining = true
      if (err) log.fatal({ err }, 'ended by an error that nobody caught')
      else log.info({ signal, delayMs }, 'shutting down')
      // Time for the balancers to see that readiness is gone; after an error nobody should wait for more of them.
      if (signal !== undefined) await pause(delayMs)
      try {
        await app.close()
      } catch (error) {
        log.error({ err: error }, 'closing failed')
        throw error
      }
      log.info('shut down')
    },
  )
}

/** What keeps the event loop alive, by kind: `{ TCPSocketWrap: 2, Timeout: 1 }`. */
function openResources(): Record<string, number> {
  const open: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) open[kind] = (open[kind] ?? 0) + 1
  return open
}

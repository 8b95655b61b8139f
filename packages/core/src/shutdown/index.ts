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

/** Ends the process with grace on SIGTERM, SIGINT and on what nobody caught. */
export function installShutdown(app: Closable, { delayMs, timeoutMs, log }: ShutdownOptions): void {
  closeWithGrace({ delay: delayMs + timeoutMs, logger: false }, async ({ err, signal }) => {
    app.health.draining = true
    if (err) {
      log.fatal({ err, context: 'Process' }, 'ended by an error that nobody caught')
    } else {
      log.info({ signal, delayMs, context: 'Process' }, 'shutting down')
      await pause(delayMs)
    }
    await app.close()
    log.info({ context: 'Process' }, 'shut down')
  })
}
